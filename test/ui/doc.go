// Package ui says whether this machine can try the dry run's page in a real
// browser, and gets what that takes: Debian's Chromium, Node.js, and from npm
// playwright-core, which drives a browser, and axe-core, which looks for what keeps
// people out. The tests are here, and what they do in the browser is in the folder
// browser: a file a journey, run by Node.js, that ends with 0 or says what was wrong.
//
// npm's packages are those of package-lock.json. They are kept in the folder of
// slow things (.cache, or what OUTRIGGER_CACHE names), not in the repository.
package ui
