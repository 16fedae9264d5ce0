// Package registrytest holds what tests of a registry need: the suite that
// every store must pass, a real redis-server that ends with the test, and a
// proxy that loses replies.
package registrytest
