import { PageferryError } from '@pageferry/errors';
import { problemOf } from '@pageferry/daemon';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { openPage, useBrowser } from '../support/browser.js';
import { completedView, iterationTable, startedAt, viewOf } from '../support/scripted-migration.js';
import { servedPage } from '../support/served-page.js';
import { TOKEN, tokenAccess } from '../support/token-access.js';

useBrowser();

/** Pixels of the page's first canvas that something was drawn at. */
const DRAWN = `(() => {
  const { width, height } = document.querySelector('canvas');
  const { data } = document.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height);
  return data.filter((value, index) => index % 4 === 3 && value > 0).length;
})()`;
const GROUND = 'getComputedStyle(document.body).backgroundColor';

const row = (page: Page, id: string) => page.locator(`tr[data-id="${id}"]`);

describe('the list', () => {
  test('says how to start a migration before there is one', async () => {
    const { url } = await servedPage();
    const { page } = await openPage(url);
    await page.getByText('pageferry migrate db1 --to wss://HOST:7411').waitFor();
    await page.getByText('Guests that can be migrated from here: db1, web1').waitFor();
  });

  test('shows migrations under way and before, older ones by pages', async () => {
    const { url, migrations } = await servedPage();
    migrations.begin(viewOf());
    for (let number = 0; number < 25; number++) {
      const id = `old${number}`;
      migrations.history.set(id, completedView({ id, startedAt: startedAt - number * 1000 }));
    }
    const { page } = await openPage(url);
    const running = row(page, '6f1c');
    await running.waitFor();
    for (const text of ['web1', 'host2.example:7411', 'Pre-copy', '88 %', '1.33 GiB', '1.05 Gb/s', '11.0 s'])
      expect(await running.innerText()).toContain(text);
    expect(await row(page, 'old0').innerText()).toContain('61.4 ms');
    expect(await row(page, 'old24').count()).toBe(0);
    await page.getByRole('button', { name: 'Show older ones' }).click();
    await row(page, 'old24').waitFor();
    expect(await page.getByRole('button', { name: 'Show older ones' }).isVisible()).toBe(false);
  });

  test('follows what is under way to its end', async () => {
    const { url, migrations } = await servedPage();
    const migration = migrations.begin(viewOf());
    const { page } = await openPage(url);
    const shown = row(page, '6f1c');
    await shown.getByText('Pre-copy', { exact: true }).waitFor();
    while (migration.listeners === 0) await page.waitForTimeout(10);
    migration.becomes({ remainingPages: 13_107, totalMs: 11_400 });
    await shown.locator('.arrived').getByText('95 %').waitFor();
    migrations.end(migration, completedView());
    await shown.getByText('Completed', { exact: true }).waitFor();
    expect(await page.locator('#announcer').innerText()).toBe(
      'web1: Completed, the guest runs on the destination',
    );
  });

  test.each([400, 840, 1280])('fits a window of %d pixels', async (width) => {
    const { url, migrations } = await servedPage();
    migrations.begin(viewOf({ state: 'postcopy-paused', guest: 'a-guest-with-a-rather-long-name' }));
    const { page } = await openPage(url, { viewport: { width, height: 800 } });
    await row(page, '6f1c').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await row(page, '6f1c').getByRole('link').click();
    await page.locator('canvas').first().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.setViewportSize({ width: width - 40, height: 800 });
    // Playwright's own wait would evaluate a string within the page, which the page forbids.
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(width - 40);
  });
});

describe('a migration', () => {
  test('is opened with its picture, its phases and where its downtime went', async () => {
    const { url, migrations } = await servedPage();
    migrations.history.set('6f1c', completedView());
    const { page } = await openPage(url);
    await row(page, '6f1c').getByRole('link', { name: 'web1' }).click();
    await page.getByText('web1 runs on host2.example:7411. It stood still for 61.4 ms.').waitFor();
    expect(page.url()).toBe(`${url}/#/migrations/6f1c`);
    // What the list says is shown at once; the iterations follow, in an answer of their own.
    await page.locator('canvas').nth(1).waitFor();
    expect(await page.locator('canvas').count()).toBe(2);
    // A picture is drawn with the frame that follows its data.
    await page.waitForFunction(`${DRAWN} > 10_000`);
    expect(await page.locator('.parts').innerText()).toMatch(/Last pages[^]*21\.9 ms\s+35 %/);
    expect(await page.locator('.timeline').innerText()).toMatch(/Pre-copy\s+\+120 ms\s+12\.3 s/);
    for (const name of ['Cancel', 'Switch over now', 'Reconnect'])
      expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
    await page.getByRole('link', { name: 'All migrations' }).click();
    await row(page, '6f1c').waitFor();
  });

  test('shows what came from storage, where anything could', async () => {
    const { url, migrations } = await servedPage();
    const disk = { name: 'vda', bytes: 40 * 2 ** 30, state: 'shared' } as const;
    const storage = { disks: [disk], mapped: 131_072, restored: 98_304, unrestored: 12 };
    const migration = migrations.begin(
      viewOf({ storage: { ...storage, disks: [], restored: 0, unrestored: 0 } }),
    );
    const { page } = await openPage(`${url}#/migrations/6f1c`);
    const panel = page.locator('.storage');
    await panel.getByText('131,072 (512 MiB)').waitFor();
    while (migration.listeners === 0) await page.waitForTimeout(10);
    migration.becomes({ storage });
    await panel.getByText('98,304 (384 MiB)').waitFor();
    expect(await panel.innerText()).toMatch(/Sent after all\s+12 \(48\.0 KiB\)/);
    expect(await panel.innerText()).toMatch(/Disk vda\s+40\.0 GiB, shared/);
    migration.becomes({ storage: null });
    await panel.waitFor({ state: 'hidden' });
  });

  test('grows while it is watched', async () => {
    const { url, migrations } = await servedPage();
    const migration = migrations.begin(viewOf({ iterationTable: [], iterations: 0 }));
    const { page } = await openPage(`${url}#/migrations/6f1c`);
    await page.getByText('There is nothing to draw').waitFor();
    while (migration.listeners === 0) await page.waitForTimeout(10);
    migration.becomes({ iterationTable: iterationTable(3), iterations: 3, totalMs: 12_000 });
    await page.locator('canvas').first().waitFor();
    await page.waitForFunction(`${DRAWN} > 10_000`);
  });

  test('that failed says what went wrong, and on which host; no text of it is markup', async () => {
    const { url, migrations } = await servedPage();
    const error = problemOf(
      new PageferryError('preflight-failed', '<img src=x onerror=alert(1)> differs', {
        host: 'destination',
        findings: ['<img src=x onerror=alert(1)> differs', 'so does <b>that</b>'],
      }),
    );
    migrations.history.set('6f1c', viewOf({ state: 'failed', error }));
    const { page } = await openPage(`${url}#/migrations/6f1c`);
    await page.getByText('<img src=x onerror=alert(1)> differs').first().waitFor();
    await page.getByText('so does <b>that</b>').waitFor();
    expect(await page.locator('.problem-title').innerText()).toContain('on the destination');
    expect(await page.locator('.problem-title').innerText()).toContain('preflight-failed');
    expect(await page.locator('main img').count()).toBe(0);
  });

  test('that there is not is a problem', async () => {
    const { url } = await servedPage();
    const { page } = await openPage(`${url}#/migrations/none`, {}, /404/);
    await page.getByText('no migration none').waitFor();
  });

  test('is cancelled, but not before it is asked whether it shall be', async () => {
    const { url, migrations } = await servedPage();
    const { calls } = migrations.begin(viewOf());
    const { page } = await openPage(`${url}#/migrations/6f1c`);
    const cancel = page.getByRole('button', { name: 'Cancel', exact: true });
    await cancel.click();
    await page.getByRole('dialog').getByText('Cancel the migration of web1?').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(calls).toEqual([]);
    await cancel.click();
    await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/v1/migrations/6f1c/cancel')),
      page.getByRole('button', { name: 'Cancel the migration' }).click(),
    ]);
    expect(calls).toEqual([['cancel']]);
  });

  test('is switched over in the way that is chosen, and a refusal is shown', async () => {
    const { url, migrations } = await servedPage();
    const migration = migrations.begin(viewOf());
    const { page } = await openPage(`${url}#/migrations/6f1c`, {}, /409/);
    const switchOver = async (way: string): Promise<void> => {
      await page.getByRole('button', { name: 'Switch over now' }).click();
      await page.getByLabel(way).check();
      await Promise.all([
        page.waitForResponse((response) => response.url().endsWith('/switchover')),
        page.getByRole('button', { name: 'Switch over', exact: true }).click(),
      ]);
    };
    await switchOver('the rest follows by post-copy');
    await switchOver('as was requested');
    expect(migration.calls).toEqual([
      ['switchover', 'postcopy'],
      ['switchover', undefined],
    ]);
    migration.refusal = new PageferryError('migration-state', 'the guest has been stopped already');
    await switchOver('while the guest stands still');
    await page.getByText('the guest has been stopped already').waitFor();
  });
});

describe('the colours', () => {
  const LIGHT = 'rgb(246, 247, 249)';
  const DARK = 'rgb(15, 19, 24)';

  test('are the system’s, until others are chosen, which is remembered', async () => {
    const { url } = await servedPage();
    const { page } = await openPage(url, { colorScheme: 'dark' });
    expect(await page.evaluate(GROUND)).toBe(DARK);
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await page.evaluate(GROUND)).toBe(LIGHT);
    await page.getByRole('radio', { name: 'Dark' }).check();
    expect(await page.evaluate(GROUND)).toBe(DARK);
    await page.reload();
    expect(await page.evaluate(GROUND)).toBe(DARK);
    expect(await page.getByRole('radio', { name: 'Dark' }).isChecked()).toBe(true);
  });

  test('of the picture change with them', async () => {
    const { url, migrations } = await servedPage();
    migrations.history.set('6f1c', completedView());
    const { page } = await openPage(`${url}#/migrations/6f1c`, { colorScheme: 'light' });
    const picture = page.locator('canvas').first();
    await picture.waitFor();
    const before = await picture.screenshot();
    await page.getByRole('radio', { name: 'Dark' }).check();
    expect((await picture.screenshot()).equals(before)).toBe(false);
    await page.waitForFunction(`${DRAWN} > 10_000`);
  });
});

test('markup and styles from elsewhere have no effect, whoever puts them in', async () => {
  const { url } = await servedPage();
  const { page, complaints } = await openPage(url, {}, /Content Security Policy|TrustedHTML/);
  await page.evaluate("document.body.setAttribute('style', 'color: rgb(1, 2, 3)')");
  expect(await page.evaluate('getComputedStyle(document.body).color')).not.toBe('rgb(1, 2, 3)');
  await expect(page.evaluate("document.body.innerHTML = '<b>bold</b>'")).rejects.toThrow('TrustedHTML');
  expect(complaints.join()).toContain('Content Security Policy');
});

describe('an agent', () => {
  test('that asks for a token is given one, and asked again if it was wrong', async () => {
    const { url, migrations } = await servedPage(await tokenAccess());
    migrations.history.set('6f1c', completedView());
    const { page } = await openPage(url, {}, /401/);
    const token = page.getByLabel('Token of the API');
    await page.getByText('This agent asks for a token').waitFor();
    await token.fill('wrong-horse-battery-staple-0123456789');
    await token.press('Enter');
    await page.getByText('The token was refused').waitFor();
    await token.fill(TOKEN);
    await page.getByRole('button', { name: 'Use it' }).click();
    await row(page, '6f1c').waitFor();
    expect(await token.isVisible()).toBe(false);
    await page.reload();
    await row(page, '6f1c').waitFor();
  });

  test('that is gone is missed, and tried again', async () => {
    const first = await servedPage();
    first.migrations.begin(viewOf());
    // A server that is being closed refuses what comes until it is gone.
    const { page } = await openPage(first.url, {}, /net::ERR_|status of 503/);
    await row(page, '6f1c').waitFor();
    await first.close();
    await page.getByText('Connection lost, trying again').waitFor();
    const second = await servedPage({}, Number(new URL(first.url).port));
    second.migrations.history.set('6f1c', completedView());
    await row(page, '6f1c').getByText('Completed').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  });
});
