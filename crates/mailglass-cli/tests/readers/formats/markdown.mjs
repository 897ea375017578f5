import { marked } from 'marked';

export const title = 'README.md renders with complete tables, working links and unchanged comments';

const flat = (text) => text.replace(/\s+/g, ' ').trim();

// Rows whose number of cells differs from the head of the table. Parsers drop surplus cells silently.
function ragged(text) {
  const problems = [];
  let width = null;
  for (const line of text.replace(/^(`{3,})[\s\S]*?^\1$/gm, '').split('\n')) {
    if (!line.startsWith('|')) {
      width = null;
      continue;
    }
    // GFM splits rows at pipes without a backslash.
    const cells = line.replace(/\\./g, '').split('|').length;
    width ??= cells;
    if (cells !== width) problems.push(`a row of ${cells - 2} cells, not ${width - 2}: ${line}`);
  }
  return problems;
}

export async function check({ read, schema, browser }) {
  const problems = ragged(read('README.md'));
  const page = await browser.newPage();
  await page.setContent(marked.parse(read('README.md'), { gfm: true }));
  const found = await page.evaluate(() => {
    const allowed = new Set('A BLOCKQUOTE BR CODE EM H1 H2 H3 H4 HR LI OL P PRE STRONG TABLE TBODY TD TH THEAD TR UL'.split(' '));
    const strangers = [...document.body.querySelectorAll('*')].filter((element) => !allowed.has(element.tagName));
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    const links = [...document.querySelectorAll('a[href]')].map((element) => element.getAttribute('href'));
    // The texts of all cells, for rows with an anchor.
    const rows = [...document.querySelectorAll('td a[id]')].map((element) => [
      element.id,
      [...element.closest('tr').cells].map((cell) => cell.innerText),
    ]);
    return {
      strangers: strangers.map((element) => element.outerHTML.slice(0, 80)),
      ids, links, rows,
      text: document.body.innerText,
    };
  });
  await page.close();
  problems.push(...found.strangers.map((element) => `foreign markup: ${element}`));
  const ids = new Set(found.ids);
  if (ids.size !== found.ids.length) problems.push('an id is used twice');
  const here = found.links.filter((link) => link.startsWith('#'));
  problems.push(...here.filter((link) => !ids.has(link.slice(1))).map((link) => `a link to nowhere: ${link}`));
  const bad = found.links.filter((link) => !/^(#|https:|[a-z.]+$|mailto:)/.test(link));
  problems.push(...bad.map((link) => `a foreign link: ${link}`));

  const rows = new Map(found.rows);
  const columns = schema.relations.flatMap((relation) => relation.columns.map((column) => [relation, column]));
  const cellsOf = new Map([...rows].filter(([id]) => id.startsWith('column-')));
  if (cellsOf.size !== columns.length) problems.push(`${cellsOf.size} rows for ${columns.length} columns`);
  for (const [at, [relation, column]] of columns.entries()) {
    const cells = [...cellsOf.values()][at].map(flat);
    const what = `${relation.name}.${column.name}`;
    if (!cells[0].startsWith(flat(column.name))) problems.push(`${what}: named ${cells[0]}`);
    if (cells[1] !== flat(column.type)) problems.push(`${what}: of type ${cells[1]}`);
    const comment = flat(column.comment ?? '–');
    if (!flat(cells.at(-1)).startsWith(comment)) problems.push(`${what}: ${cells.at(-1)}, not ${comment}`);
  }
  const text = flat(found.text);
  const said = schema.relations.flatMap((relation) => [relation.comment, relation.definition, ...relation.triggers.map((trigger) => trigger.definition),
    ...relation.constraints.map((constraint) => constraint.definition), ...relation.indexes.map((index) => index.definition)]);
  const labels = schema.enums.filter((type) => type.rust === null).flatMap((type) => type.labels.map((label) => label.meaning));
  for (const words of [...said, ...labels, ...schema.functions.map((definition) => definition.source)]) {
    if (words !== null && !text.includes(flat(words))) problems.push(`missing text: ${flat(words)}`);
  }
  return problems;
}
