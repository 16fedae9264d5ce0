// Package page answers at "/": what this gateway is, what runs here, and lines
// for curl that work against it as they stand. Browsers get HTML, everything
// else plain text. Nothing in the page is a script, and names that come from
// hosts or requests are text in it, whatever they hold.
package page
