// Without JavaScript, on a narrow screen and on paper.
export const title = 'is readable without JavaScript, on a narrow screen and on paper';

export async function check({ open }) {
  const texts = await open({}, async (page) => [await page.locator('main').innerText()]);
  const plain = await open({ javaScriptEnabled: false }, async (page) => {
    const problems = [];
    const text = (content) => content.replace(/\bCopy\b|\s/g, '');
    if (text(await page.locator('main').innerText()) !== text(texts[0] ?? '')) problems.push('no JavaScript: other text');
    for (const id of ['search', 'theme', 'nothing']) {
      if (await page.locator(`#${id}`).isVisible()) problems.push(`no JavaScript, and #${id} shows`);
    }
    if (await page.locator('.copy:visible').count() > 0) problems.push('no JavaScript, and the copy buttons show');
    return problems;
  });
  const overflow = () => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`wider than the screen: ${scrollWidth} of ${clientWidth}`] : [];
  };
  const narrow = await open({ viewport: { width: 400, height: 800 } }, async (page) => {
    const problems = await page.evaluate(overflow);
    if (await page.locator('nav details').getAttribute('open') !== null) problems.push('narrow: the contents are in the way');
    await page.locator('nav summary').click();
    if (!await page.locator('nav a').first().isVisible()) problems.push('narrow: the contents do not open');
    return [...problems, ...await page.evaluate(overflow)].map((problem) => `400 pixels: ${problem}`);
  });
  const paper = await open({ colorScheme: 'dark' }, async (page) => {
    await page.locator('#theme').click();
    await page.locator('#theme').click();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const problems = [];
    for (const selector of ['nav', '.top', '.copy:visible']) {
      if (await page.locator(selector).first().isVisible()) problems.push(`print: ${selector} shows`);
    }
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    const folded = await page.locator('main details:not([open])').count();
    if (folded > 0) problems.push(`print: ${folded} parts are folded`);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    if (ground !== 'rgb(255, 255, 255)') problems.push(`print: on ${ground}`);
    const cut = await page.evaluate(() => [...document.querySelectorAll('.wide')].filter((element) => getComputedStyle(element).overflowX !== 'visible').length);
    if (cut > 0) problems.push(`print: ${cut} tables scroll`);
    return problems;
  });
  return [...plain, ...narrow, ...paper];
}
