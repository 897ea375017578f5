import Ajv from 'ajv/dist/2020.js';

export const title = 'schema.json is valid, and its JSON Schema describes every member';

export async function check({ read, schema }) {
  const described = JSON.parse(read(schema.$schema));
  // schemars names the formats of Rust's integers.
  const ajv = new Ajv({ allErrors: true, strictTypes: false, formats: { uint: true, uint32: true } });
  const problems = [];
  const validate = ajv.compile(described);
  if (!validate(schema)) problems.push(...validate.errors.map((error) => `${error.instancePath} ${error.message}`));

  // Checks that the schema rejects unknown members and invalid values.
  const closed = ajv.compile({ ...closeAll(described), $id: 'closed' });
  const { $schema, ...members } = schema;
  if (!closed(members)) {
    problems.push(...closed.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`));
  }
  const broken = structuredClone(members);
  broken.relations[0].kind = 'heap';
  delete broken.relations[0].columns;
  if (validate(broken) || validate.errors.length < 2) problems.push('the JSON Schema accepts a table of an unknown kind without columns');
  return problems;
}

// The schema with all objects closed, so that it rejects undescribed members.
function closeAll(node) {
  if (Array.isArray(node)) return node.map(closeAll);
  if (node === null || typeof node !== 'object') return node;
  const closed = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closeAll(value)]));
  if (closed.properties !== undefined && closed.type === 'object') closed.unevaluatedProperties = false;
  return closed;
}
