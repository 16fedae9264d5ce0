// Package gateway decides who may do what, and when.
package gateway
