// Package page is the page in a browser that asks the dry run and shows what it
// answers, and the state of the server that answers.
//
// It is plain HTML, CSS and JavaScript modules as they stand in the folder static:
// no framework, nothing built, nothing fetched from anywhere but the server that
// the page comes from. What is shown was written by whoever wrote the manifest, so
// the page makes text nodes of it and never HTML, and the browser is told to run
// and load nothing that is not a file of this package.
package page
