// Package page answers at "/": browsers get a page that sends files, everything
// else plain text with lines for curl that work against this gateway as they
// stand. The page's script is in app and the drop-in uploader in client, both
// in TypeScript; what is built from them is committed and embedded. Names that
// come from hosts or requests are text in the page, whatever they hold.
package page
