// Opens a page with the published web component in Chromium, and uploads by it as a visitor does.
//
//   node drive.mjs URL JSON
//
// JSON holds `files`, paths that are chosen from the device, or `link`, an address that is given to fetch from;
// `withoutPolicy` where the page's Content-Security-Policy is to be ignored; and `signature`, with `secureSignature` and
// `secureExpire`, where uploads are signed by it and not by what the page's server answers. With `edit`, the first file is an
// image that is edited; with `group`, all files become a group; with `screenshots`, a folder, pictures of the page are left there.
//
// Prints one JSON object on stdout:
//
//   uploads   what the page lists in the end: `{outcome, text}` for each file
//   thumbnails  with `thumbnails`, their number: addresses of the pictures that the list shows, which were loaded and decoded
//   edited    with `edit`: the address of the first file after it was mirrored, turned, made lighter, and enhanced in the editor
//   group     with `group`: the address of the group of all files
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

// Thumbnails, editor and events come behind an upload, at times that no event of the page tells.
async function until(page, what, condition) {
  const deadline = Date.now() + PATIENCE_MILLISECONDS
  for (;;) {
    const found = await condition()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`this did not come: ${what}`)
    await page.waitForTimeout(50)
  }
}

const outputs = (page) =>
  page.locator('uc-upload-ctx-provider').evaluate((uploads) => uploads.getAPI().getOutputCollectionState())

async function edit(page, shoot) {
  const editor = page.locator('uc-cloud-image-editor')
  // What is done makes the editor ask for an image whose address has this part.
  const asking = async (part, act) => {
    const answered = page.waitForResponse((answer) => answer.url().includes(part) && answer.ok())
    await act()
    await answered
  }
  await asking('/resize/', () => page.getByRole('button', { name: 'Edit', exact: true }).first().click())
  // The tab that cuts and turns shows what it does by itself; the next one asks for it.
  await editor.locator('[aria-label="Apply mirror operation"]').click()
  await editor.locator('[aria-label="Apply rotate operation"]').click()
  await shoot('editor')
  await asking('/mirror/-/rotate/90/', () => editor.locator('[aria-label="Tuning"]').click())
  for (const tuning of ['brightness', 'enhance']) {
    await editor.locator(`[aria-label="Apply ${tuning} tuning"]`).click()
    await asking(`/${tuning}/40/`, () => editor.locator('input[type=range]').first().fill('40'))
    await shoot(`editor-${tuning}`)
    await editor.locator('button', { hasText: 'Apply' }).last().click()
  }
  await editor.locator('[aria-label="Apply"]').click()
  const edited = await until(page, 'an edited file', async () => {
    const entry = (await outputs(page)).allEntries[0]
    return entry.cdnUrlModifiers && entry.cdnUrl
  })
  return edited
}

async function thumbnails(page, expected) {
  return until(page, 'thumbnails', async () => {
    const shown = await page.locator('img.uc-thumb__img').evaluateAll((images) =>
      images
        .filter((image) => image.src.startsWith('http') && image.complete && image.naturalWidth > 0)
        .map((image) => image.src),
    )
    return shown.length >= expected && shown
  })
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
  if (options.group) {
    await page.locator('uc-config').evaluate((config) => {
      config.groupOutput = true
    })
  }
  const shoot = async (name) => {
    if (options.screenshots) await page.screenshot({ path: join(options.screenshots, `${name}.png`) })
  }
  const expected = await choose(page, options)
  const listed = page.locator('#uploads li')
  await listed.nth(expected - 1).waitFor({ state: 'attached' })
  // Thumbnails and events come behind an upload.
  await page.waitForLoadState('networkidle')
  const uploads = await listed.evaluateAll((items) =>
    items.map((item) => ({ outcome: item.className, text: item.textContent })),
  )
  const done = { uploads }
  if (options.thumbnails) done.thumbnails = await thumbnails(page, options.thumbnails)
  await shoot('list')
  if (options.edit) {
    done.edited = await edit(page, shoot)
    const modifiers = done.edited.split('/-/').slice(1).join('/-/')
    await until(page, 'the thumbnail of what was edited', async () =>
      (await thumbnails(page, 1)).some((address) => address.includes(modifiers)),
    )
    await shoot('edited')
  }
  if (options.group) {
    done.group = await until(page, 'a group', async () => (await outputs(page)).group?.cdnUrl)
    await shoot('group')
  }
  return { ...done, hosts: [...hosts].sort(), blocked: [...blocked].sort() }
}

const [, , url, options] = process.argv
const { chromium } = createRequire(join(tools, 'web', 'package.json'))('playwright-core')
const browser = await chromium.launch({ executablePath: browserProgram(), args: ARGUMENTS })
try {
  console.log(JSON.stringify(await drive(browser, url, JSON.parse(options))))
} finally {
  await browser.close()
}
