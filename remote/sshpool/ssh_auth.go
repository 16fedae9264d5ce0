package sshpool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// credentials are what a host's configuration gives to log in with, read anew
// for each dial.
type credentials struct {
	user         string
	methods      []ssh.AuthMethod
	names        []string // what is offered, for errors
	faults       []error  // what could not be read
	keys         keyring
	agent        net.Conn
	unanswerable error // what the host asked for and we do not have
}

// credentials reads the key file, asks the agent and reveals the password. A part
// that fails is an error only when nothing else is left.
func (d *dialer) credentials(ctx context.Context) (*credentials, error) {
	c := &credentials{user: d.host.User}
	if d.host.KeyFile != "" {
		if err := c.readKey(d.host); err != nil {
			c.faults = append(c.faults, err)
		}
	}
	if d.host.Agent {
		if err := c.askAgent(ctx); err != nil {
			c.faults = append(c.faults, err)
		}
	}
	if err := c.readCertificate(d.host); err != nil {
		c.faults = append(c.faults, err)
	}
	if signers := c.keys.signers(); len(signers) > 0 {
		// One method for all: the SSH library tries each method once.
		c.methods = append(c.methods, ssh.PublicKeys(signers...))
	}
	if !d.host.Password.IsZero() {
		if password, err := d.host.Password.Reveal(); err != nil {
			c.faults = append(c.faults, fmt.Errorf("password: %w", err))
		} else {
			c.methods = append(c.methods, ssh.Password(password), ssh.KeyboardInteractive(c.answerPrompt(password)))
			c.names = append(c.names, "password")
		}
	}
	if len(c.methods) == 0 {
		c.close()
		return nil, errors.Join(c.faults...)
	}
	for _, fault := range c.faults {
		d.log.Warn("cannot use a credential", "host", d.host.ID, "error", fault)
	}
	return c, nil
}

// askAgent takes the keys that the agent has, and the certificates among them.
func (c *credentials) askAgent(ctx context.Context) error {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return errors.New("hosts.yaml has agent: true, but SSH_AUTH_SOCK is not set in the gateway's environment")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("the SSH agent cannot be reached: %w", err)
	}
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	c.agent = conn
	signers, err := agent.NewClient(conn).Signers()
	switch {
	case err != nil:
		return fmt.Errorf("cannot list the SSH agent's keys: %w", err)
	case len(signers) == 0:
		return fmt.Errorf("the SSH agent at %s has no keys: add one with ssh-add", socket)
	}
	for _, s := range signers {
		c.keys.add(s, "the agent")
	}
	c.names = append(c.names, fmt.Sprintf("%d in the SSH agent", len(signers)))
	return nil
}

func (c *credentials) close() {
	if c.agent != nil {
		_ = c.agent.Close()
	}
}

// rejectedError is the error for a host that took none of it.
func (c *credentials) rejectedError(err error) error {
	why := fmt.Sprintf("it does not let user %s in (tried: %s)", c.user, strings.Join(c.names, ", "))
	if c.unanswerable != nil {
		return fmt.Errorf("%s: %w", why, c.unanswerable)
	}
	for _, remark := range c.keys.remarks(c.user) {
		why += "; " + remark
	}
	for _, fault := range c.faults {
		why += "; " + fault.Error()
	}
	if strings.Contains(err.Error(), "Too many authentication failures") {
		return fmt.Errorf("%s; it ended the login before all keys were tried (MaxAuthTries in its sshd_config): "+
			"leave fewer keys in the agent, or name the right one as key_file, which is tried first: %w", why, err)
	}
	return fmt.Errorf("%s; check the user name, and that the account accepts this key (authorized_keys) or password: %w", why, err)
}

// answerPrompt answers the one question of a password prompt, once: a second
// question is for something that we do not have.
func (c *credentials) answerPrompt(password string) ssh.KeyboardInteractiveChallenge {
	answered := false
	return func(_, _ string, questions []string, _ []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		if len(questions) > 1 || answered {
			c.unanswerable = fmt.Errorf("it asks for more than a password (%q), which the gateway cannot answer: "+
				"log in with a key, or exempt the account from the second factor", questions)
			return nil, c.unanswerable
		}
		answered = true
		return []string{password}, nil
	}
}
