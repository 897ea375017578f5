import { Parser } from '@dbml/core';

export const title = 'schema.dbml is valid DBML and agrees with schema.json';

const qualified = (schema, name) => `${schema ?? 'public'}.${name}`;

export async function check({ read, schema }) {
  let database;
  try {
    database = new Parser().parse(read('schema.dbml'), 'dbmlv2');
  } catch (error) {
    return (error.diags ?? [error]).map((error) => `${error.message} ${JSON.stringify(error.location ?? '')}`);
  }
  const problems = [];
  const expect = (what, found, expected) => {
    const [a, b] = [found, expected].map((value) => JSON.stringify(value));
    if (a !== b) problems.push(`${what}: ${a}, not ${b}`);
  };
  const parsed = new Map();
  for (const { name: schemaName, tables } of database.schemas) {
    for (const table of tables) parsed.set(qualified(schemaName, table.name), table);
  }
  const relations = schema.relations.filter((relation) => relation.columns.length > 0);
  expect('tables', [...parsed.keys()].sort(), relations.map((relation) => qualified(relation.schema, relation.name)).sort());
  for (const relation of relations) {
    const name = qualified(relation.schema, relation.name);
    const table = parsed.get(name);
    if (table === undefined) continue;
    expect(`${name}: columns`, table.fields.map((field) => field.name), relation.columns.map((column) => column.name));
    for (const [at, column] of relation.columns.entries()) {
      const field = table.fields[at];
      expect(`${name}.${column.name}: not null`, field.not_null, !column.nullable);
      const comment = column.comment?.split(/\s+/).join(' ').trim();
      if (comment !== undefined && !field.note?.includes(comment)) problems.push(`${name}.${column.name}: no note`);
      // A partial index doesn't make its column unique.
      const isUnique = relation.indexes.some((index) => index.unique && index.predicate === null && index.keys.length === 1
        && index.keys[0].column === column.name);
      expect(`${name}.${column.name}: unique`, Boolean(field.unique || field.pk), isUnique);
    }
    for (const index of table.indexes) {
      const ours = relation.indexes.find((candidate) => candidate.name === index.name);
      expect(`${name}: ${index.name} unique`, Boolean(index.unique || index.pk), ours.unique && ours.predicate === null);
    }
  }
  // Tools create a foreign key from each Ref, so each foreign key has a Ref, and nothing else does.
  const held = new Set(relations.map((relation) => qualified(relation.schema, relation.name)));
  const keys = relations.flatMap((relation) => relation.references)
    .filter((reference) => reference.constraint !== null && held.has(qualified(reference.to.schema, reference.to.name)));
  const refs = database.schemas.flatMap((schema) => schema.refs);
  expect('refs', refs.map((ref) => ref.name).sort(), keys.map((key) => key.constraint).sort());
  const labels = new Map();
  for (const { name: schemaName, enums } of database.schemas) {
    for (const type of enums) labels.set(qualified(schemaName, type.name), type.values.map((value) => value.name));
  }
  for (const type of schema.enums) {
    const expected = type.labels.map((label) => label.label).filter((label) => label !== '');
    expect(`${type.name}: labels`, labels.get(qualified(type.schema, type.name)) ?? [], expected);
  }
  return problems;
}
