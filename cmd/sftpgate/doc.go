// Command sftpgate takes files in chunks over HTTP and puts them together on
// machines behind SSH.
//
//	sftpgate serve --hosts hosts.yaml --redis redis://127.0.0.1:6379/0
//	sftpgate demo
//	sftpgate hosts check
//	sftpgate hosts ls
//	sftpgate put report.pdf web-1:/srv/files/
//	sftpgate uploads ls
//	sftpgate version
//
// Every flag can be given as an environment variable: --trusted-proxy is
// SFTPGATE_TRUSTED_PROXY, a list with commas. The exit status is 0 for success
// and for a stop that was asked for, 1 for a failure, 2 for a command line that
// makes no sense. The commands that ask a gateway have more (put_exit.go).
package main
