import Ajv from 'ajv/dist/2020.js';

export const title = 'schema.json is what its JSON Schema says, which knows every member of it';

export async function check({ read, schema }) {
  const described = JSON.parse(read(schema.$schema));
  // schemars names the formats of Rust's integers.
  const ajv = new Ajv({ allErrors: true, strictTypes: false, formats: { uint: true, uint32: true } });
  const problems = [];
  const validate = ajv.compile(described);
  if (!validate(schema)) problems.push(...validate.errors.map((it) => `${it.instancePath} ${it.message}`));

  // A check that accepts anything would accept this, too.
  const closed = ajv.compile({ ...closeAll(described), $id: 'closed' });
  const { $schema, ...members } = schema;
  if (!closed(members)) {
    problems.push(...closed.errors.map((it) => `${it.instancePath} ${it.message} ${JSON.stringify(it.params)}`));
  }
  const broken = structuredClone(members);
  broken.relations[0].kind = 'heap';
  delete broken.relations[0].columns;
  if (validate(broken) || validate.errors.length < 2) problems.push('it accepts a table of an unknown kind, without columns');
  return problems;
}

// Every object with no members but those that are described.
function closeAll(node) {
  if (Array.isArray(node)) return node.map(closeAll);
  if (node === null || typeof node !== 'object') return node;
  const closed = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closeAll(value)]));
  if (closed.properties !== undefined && closed.type === 'object') closed.unevaluatedProperties = false;
  return closed;
}
