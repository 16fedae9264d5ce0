// Package await is how tests wait. A wait is for an event, and ends early only
// where something hangs: no machine is so slow that it takes [Limit] for what a
// test waits for. What has to be short, such as the deadline that a test wants
// to see strike, is [Scaled] to the machine.
package await
