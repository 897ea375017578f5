import { marked } from 'marked';

export const title = 'README.md reads as it was meant: tables whole, links land, comments as they were written';

const flat = (text) => text.replace(/\s+/g, ' ').trim();

// Rows that have not as many cells as their table's head: a reader drops what is too much without a word.
function ragged(text) {
  const problems = [];
  let width = null;
  for (const line of text.replace(/^(`{3,})[\s\S]*?^\1$/gm, '').split('\n')) {
    if (!line.startsWith('|')) {
      width = null;
      continue;
    }
    // As GFM parts a row: whatever follows a backslash doesn't.
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
    const strangers = [...document.body.querySelectorAll('*')].filter((it) => !allowed.has(it.tagName));
    const ids = [...document.querySelectorAll('[id]')].map((it) => it.id);
    const links = [...document.querySelectorAll('a[href]')].map((it) => it.getAttribute('href'));
    // Of a row with an anchor, each cell's text.
    const rows = [...document.querySelectorAll('td a[id]')].map((it) => [
      it.id,
      [...it.closest('tr').cells].map((cell) => cell.innerText),
    ]);
    return {
      strangers: strangers.map((it) => it.outerHTML.slice(0, 80)),
      ids, links, rows,
      text: document.body.innerText,
    };
  });
  await page.close();
  problems.push(...found.strangers.map((it) => `markup that isn't ours: ${it}`));
  const ids = new Set(found.ids);
  if (ids.size !== found.ids.length) problems.push('an id stands twice');
  const here = found.links.filter((it) => it.startsWith('#'));
  problems.push(...here.filter((it) => !ids.has(it.slice(1))).map((it) => `a link to nowhere: ${it}`));
  const bad = found.links.filter((it) => !/^(#|https:|[a-z.]+$|mailto:)/.test(it));
  problems.push(...bad.map((it) => `a link that is no link of ours: ${it}`));

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
  const said = schema.relations.flatMap((it) => [it.comment, it.definition, ...it.triggers.map((trigger) => trigger.definition),
    ...it.constraints.map((constraint) => constraint.definition), ...it.indexes.map((index) => index.definition)]);
  const labels = schema.enums.filter((it) => it.rust === null).flatMap((it) => it.labels.map((label) => label.meaning));
  for (const words of [...said, ...labels, ...schema.functions.map((it) => it.source)]) {
    if (words !== null && !text.includes(flat(words))) problems.push(`not to be found: ${flat(words)}`);
  }
  return problems;
}
