// Plays a file in Chromium, jumps in it, and opens it as a page of its own.
//
//   node media.mjs URL JSON
//
// JSON holds `seek`, seconds from the beginning. Prints one JSON object on stdout:
//
//   duration  seconds, as the element in a page knows them
//   seeked    where the element is after the jump
//   ranges    the status and the `Content-Range` of each answer
//   alone     whether the file plays as a page of its own

import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const PATIENCE_MILLISECONDS = 60_000

const tools =
  process.env.INTAKE_TEST_TOOLS ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'intake', 'test-tools')

function browserProgram() {
  const folders = process.env.PATH.split(delimiter)
  const paths = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  )
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (!found) throw new Error('there is no Chromium: run ./check setup')
  return found
}

async function play(browser, url, { seek }) {
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE_MILLISECONDS)
  const ranges = []
  page.on('response', (response) => {
    if (response.url() === url) ranges.push([response.status(), response.headers()['content-range'] ?? null])
  })
  await page.setContent('<video preload="metadata"></video>')
  await page.locator('video').evaluate((element, url) => (element.src = url), url)
  await page.waitForFunction(() => document.querySelector('video').readyState >= 1)
  const seen = await page.locator('video').evaluate(async (element, seek) => {
    const seeked = new Promise((resolve) => (element.onseeked = resolve))
    element.currentTime = seek
    await seeked
    return { duration: element.duration, seeked: element.currentTime }
  }, seek)
  const alone = await browser.newPage()
  alone.setDefaultTimeout(PATIENCE_MILLISECONDS)
  await alone.goto(url)
  await alone.waitForFunction(() => document.querySelector('video, audio')?.readyState >= 1)
  return { ...seen, ranges, alone: true }
}

const [, , url, options] = process.argv
const { chromium } = createRequire(join(tools, 'web', 'package.json'))('playwright-core')
const browser = await chromium.launch({ executablePath: browserProgram(), args: ['--disable-gpu', '--no-sandbox'] })
try {
  console.log(JSON.stringify(await play(browser, url, JSON.parse(options))))
} finally {
  await browser.close()
}
