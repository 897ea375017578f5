import { Parser } from '@dbml/core';

export const title = 'schema.dbml is DBML, and says nothing that is false';

const qualified = (schema, name) => `${schema ?? 'public'}.${name}`;

export async function check({ read, schema }) {
  let database;
  try {
    database = new Parser().parse(read('schema.dbml'), 'dbmlv2');
  } catch (error) {
    return (error.diags ?? [error]).map((it) => `${it.message} ${JSON.stringify(it.location ?? '')}`);
  }
  const problems = [];
  const expect = (what, found, expected) => {
    const [a, b] = [found, expected].map((it) => JSON.stringify(it));
    if (a !== b) problems.push(`${what}: ${a}, not ${b}`);
  };
  const parsed = new Map();
  for (const { name: schemaName, tables } of database.schemas) {
    for (const table of tables) parsed.set(qualified(schemaName, table.name), table);
  }
  const relations = schema.relations.filter((it) => it.columns.length > 0);
  expect('tables', [...parsed.keys()].sort(), relations.map((it) => qualified(it.schema, it.name)).sort());
  for (const relation of relations) {
    const name = qualified(relation.schema, relation.name);
    const table = parsed.get(name);
    if (table === undefined) continue;
    expect(`${name}: columns`, table.fields.map((it) => it.name), relation.columns.map((it) => it.name));
    for (const [at, column] of relation.columns.entries()) {
      const field = table.fields[at];
      expect(`${name}.${column.name}: not null`, field.not_null, !column.nullable);
      const comment = column.comment?.split(/\s+/).join(' ').trim();
      if (comment !== undefined && !field.note?.includes(comment)) problems.push(`${name}.${column.name}: no note`);
      // A partial index makes no column unique.
      const isUnique = relation.indexes.some((it) => it.unique && it.predicate === null && it.keys.length === 1
        && it.keys[0].column === column.name);
      expect(`${name}.${column.name}: unique`, Boolean(field.unique || field.pk), isUnique);
    }
    for (const index of table.indexes) {
      const ours = relation.indexes.find((it) => it.name === index.name);
      expect(`${name}: ${index.name} unique`, Boolean(index.unique || index.pk), ours.unique && ours.predicate === null);
    }
  }
  // A Ref would become a foreign key, so there is one for each of those, and for nothing else.
  const held = new Set(relations.map((it) => qualified(it.schema, it.name)));
  const keys = relations.flatMap((it) => it.references)
    .filter((it) => it.constraint !== null && held.has(qualified(it.to.schema, it.to.name)));
  const refs = database.schemas.flatMap((it) => it.refs);
  expect('refs', refs.map((it) => it.name).sort(), keys.map((it) => it.constraint).sort());
  const labels = new Map();
  for (const { name: schemaName, enums } of database.schemas) {
    for (const it of enums) labels.set(qualified(schemaName, it.name), it.values.map((value) => value.name));
  }
  for (const it of schema.enums) {
    const expected = it.labels.map((label) => label.label).filter((label) => label !== '');
    expect(`${it.name}: labels`, labels.get(qualified(it.schema, it.name)) ?? [], expected);
  }
  return problems;
}
