// Opens a page with the published web component in Chromium, and uploads by it as a visitor does.
//
//   node drive.mjs URL JSON
//
// JSON holds `files`, paths that are chosen from the device, or `link`, an address that is given to fetch from;
// `withoutPolicy` where the page's Content-Security-Policy is to be ignored; and `signature`, with `secureSignature` and
// `secureExpire`, where uploads are signed by it and not by what the page's server answers.
//
// Prints one JSON object on stdout:
//
//   uploads   what the page lists in the end: `{outcome, text}` for each file
//   hosts     every host and port that the page has sent a request to or opened a WebSocket to
//   blocked   every host and port that the policy has kept it from

import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const PATIENCE_MILLISECONDS = 120_000

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  // What a page or the browser asks of other machines is noted, and does not leave this one.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

const tools =
  process.env.INTAKE_TEST_TOOLS ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'intake', 'test-tools')

function browserProgram() {
  const folders = process.env.PATH.split(delimiter)
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of folders) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // The next one may be there.
      }
    }
  }
  throw new Error('there is no Chromium: run ./check setup')
}

async function choose(page, { files, link }) {
  await page.getByRole('button', { name: 'Upload files' }).click()
  if (link) {
    await page.getByText('From link').click()
    await page.getByRole('textbox').fill(link)
    await page.getByRole('textbox').press('Enter')
    return 1
  }
  const opened = page.waitForEvent('filechooser')
  await page.getByText('From device').click()
  const chooser = await opened
  await chooser.setFiles(files)
  return files.length
}

async function drive(browser, url, options) {
  const context = await browser.newContext({ bypassCSP: options.withoutPolicy === true })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MILLISECONDS)
  const [hosts, blocked] = [new Set(), new Set()]
  const note = (address) => {
    const { protocol, host } = new URL(address)
    if (protocol !== 'blob:' && protocol !== 'data:') hosts.add(host)
  }
  page.on('request', (request) => note(request.url()))
  page.on('websocket', (socket) => note(socket.url()))
  await page.exposeFunction('noteBlocked', (address) => blocked.add(new URL(address).host))
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ blockedURI }) => window.noteBlocked(blockedURI)),
  )
  await page.goto(url)
  if (options.signature) {
    await page.locator('uc-config').evaluate((config, signature) => {
      config.secureUploadsSignatureResolver = async () => signature
    }, options.signature)
  }
  const expected = await choose(page, options)
  const listed = page.locator('#uploads li')
  await listed.nth(expected - 1).waitFor({ state: 'attached' })
  // Thumbnails and events come behind an upload.
  await page.waitForLoadState('networkidle')
  const uploads = await listed.evaluateAll((items) =>
    items.map((item) => ({ outcome: item.className, text: item.textContent })),
  )
  return { uploads, hosts: [...hosts].sort(), blocked: [...blocked].sort() }
}

const [, , url, options] = process.argv
const { chromium } = createRequire(join(tools, 'web', 'package.json'))('playwright-core')
const browser = await chromium.launch({ executablePath: browserProgram(), args: ARGUMENTS })
try {
  console.log(JSON.stringify(await drive(browser, url, JSON.parse(options))))
} finally {
  await browser.close()
}
