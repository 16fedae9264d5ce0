// Package browsertest gives tests a real Chromium, its pages, and gateways that are
// processes of their own and can be killed.
package browsertest
