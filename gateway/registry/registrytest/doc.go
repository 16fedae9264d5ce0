// Package registrytest holds what tests of a registry need: the suite that
// every store must pass, real redis-servers that end with the test – one, a
// cluster, or a master with its sentinels –, and a proxy that loses replies.
package registrytest
