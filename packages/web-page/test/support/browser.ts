import { getuid } from 'node:process';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';

let browser: Browser | undefined;

/** Has the tests of a file share one of Debian's chromium. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      // Chromium refuses to run as root with its sandbox.
      args: getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
  });
  afterAll(async () => {
    await browser?.close();
  });
}

export interface OpenedPage {
  readonly page: Page;
  /** What the browser has found wrong: errors of scripts, failed requests, and what the policy did not allow. */
  readonly complaints: readonly string[];
}

/** A tab of its own, with nothing stored. At the end of the test nothing may have been complained about but what it expects. */
export async function openPage(
  url: string,
  options: BrowserContextOptions = {},
  expected = /^$/,
): Promise<OpenedPage> {
  if (browser === undefined) throw new Error('the browser has not been started');
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  onTestFinished(async () => {
    await context.close();
    expect(complaints.filter((complaint) => !expected.test(complaint))).toEqual([]);
  });
  page.setDefaultTimeout(10_000);
  await page.goto(url);
  return { page, complaints };
}
