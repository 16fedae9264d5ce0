// Package dialecttest holds what every dialect must do alike, whatever its wire
// protocol is: a real gateway before a real OpenSSH host (site.go), and the suite that
// each dialect's own test runs (suite.go; its cases are listed in cases.go).
package dialecttest
