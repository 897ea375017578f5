// Keyboard use: the order of Tab, the keys `/` and Escape, and a visible focus.
export const title = 'works with the keyboard alone';

export const check = ({ open }) => open({}, async (page) => {
  const problems = [];
  const expect = (is, what) => { if (!is) problems.push(what); };
  const focus = () => page.evaluate(() => {
    const focused = document.activeElement;
    const style = getComputedStyle(focused);
    return {
      what: focused.id || focused.className.baseVal || focused.className || focused.localName,
      ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
      seen: focused.getBoundingClientRect().bottom > 0,
      contents: Boolean(focused.closest('nav')),
      figure: focused.matches('[role=region]'),
    };
  });
  const stops = [];
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press('Tab');
    const stop = await focus();
    stops.push(stop);
    if (!stop.ring) problems.push(`no ring: ${stop.what}`);
    if (!stop.seen) problems.push(`out of sight: ${stop.what}`);
    if (stop.figure) break;
  }
  const order = stops.slice(0, 4).map(({ what }) => what).join(' ');
  expect(order === 'skip brand filter theme', `order: ${order}`);
  expect(stops.some(({ contents }) => contents), 'the contents are not reached');
  expect(stops.some(({ figure }) => figure) || stops.length === 80, 'what scrolls is not reached');

  await page.keyboard.press('/');
  expect((await focus()).what === 'filter', '/ does not reach the filter');
  await page.keyboard.type('a/b');
  expect(await page.locator('#filter').inputValue() === 'a/b', '/ is no letter in the filter');
  await page.keyboard.press('Escape');
  expect(await page.locator('#filter').inputValue() === '', 'Escape does not clear');

  const light = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.locator('#theme').focus();
  const themes = [];
  for (let step = 0; step < 3; step += 1) {
    await page.keyboard.press('Enter');
    themes.push([await page.locator('#theme').textContent(), await light()]);
  }
  expect(themes.map(([text]) => text).join() === 'Theme: light,Theme: dark,Theme: auto', `themes: ${themes}`);
  expect(themes[0][1] !== themes[1][1], 'light and dark look the same');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.reload();
  expect(await page.locator('#theme').textContent() === 'Theme: dark', 'the theme is forgotten');

  await page.evaluate(() => scrollTo(0, 0));
  await page.locator('.skip').focus();
  await page.keyboard.press('Enter');
  expect((await focus()).what === 'content', 'the skip link skips nothing');
  return problems;
});
