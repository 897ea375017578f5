// The filter: several words, rows and sections, the count, Escape, Enter, and links to hidden elements.
export const title = 'filters rows and sections';

export const check = ({ open }) => open({}, async (page) => {
  const problems = [];
  const expect = (is, what) => { if (!is) problems.push(what); };
  const state = () => page.evaluate(() => {
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
    return {
      sections: seen('.entry').length,
      rows: seen('.entry tbody tr, .entry .item').length,
      texts: seen('.entry').map((element) => element.textContent.toLowerCase()),
      nav: seen('nav a').length,
      count: document.getElementById('count').textContent,
      nothing: document.getElementById('nothing').checkVisibility(),
    };
  });
  const field = page.locator('#filter');
  const before = await state();
  expect(before.count === '' && !before.nothing, 'speaks before anybody asks');

  // One row of a table with several rows.
  const [table, column] = await page.evaluate(() => {
    const sections = [...document.querySelectorAll('.entry:has(.columns)')];
    const section = sections.find((candidate) => candidate.querySelectorAll('.columns tbody tr').length > 1) ?? sections[0];
    return [section.querySelector('h3 code').textContent, section.querySelector('.columns tbody tr:last-child th code').textContent];
  });
  await field.fill(`  ${column.toUpperCase()}   ${table} `);
  const both = await state();
  expect(both.sections >= 1, `finds no ${table} ${column}`);
  expect(both.rows < before.rows, 'hides no row');
  expect(both.texts.every((text) => text.includes(table.toLowerCase()) && text.includes(column.toLowerCase())), 'a section without the words');
  expect(/\d+ (rows? in \d+ )?sections?$/.test(both.count), `counts: ${both.count}`);
  expect(both.nav === both.sections, `the contents show ${both.nav} of ${both.sections}`);
  await page.keyboard.press('Enter');
  const landed = await page.evaluate(() => document.activeElement.textContent.toLowerCase());
  expect(landed.includes(column.toLowerCase()), 'Enter goes nowhere');

  await field.fill(`${table} surely-not-there`);
  const none = await state();
  expect(none.sections === 0 && none.nothing && none.count === 'Nothing matches', `nothing matches: ${JSON.stringify(none)}`);
  // Chromium clears the focused field by itself.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('Escape');
  const after = await state();
  expect(JSON.stringify(after) === JSON.stringify(before), 'Escape does not bring everything back');
  expect(await field.inputValue() === '', 'Escape leaves the words');

  // A link to a hidden element.
  await field.fill('surely-not-there');
  const id = await page.evaluate(() => {
    const { id } = document.querySelector('.columns tbody tr');
    location.hash = `#${id}`;
    return id;
  });
  await page.waitForFunction(() => document.getElementById('filter').value === '');
  expect(await field.inputValue() === '' && await page.locator(`[id="${id}"]`).isVisible(), 'a link to what is hidden stays hidden');
  await field.fill('surely-not-there');
  await page.locator('#nothing button').click();
  expect(await field.inputValue() === '', 'the button clears nothing');
  expect(await page.locator('#count').getAttribute('aria-live') === 'polite', 'the count is not read out');
  return problems;
});
