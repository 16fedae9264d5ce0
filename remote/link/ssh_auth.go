package link

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
	user    string
	methods []ssh.AuthMethod
	names   []string // what is offered, for errors
	faults  []error  // what could not be read
	agent   net.Conn
}

// credentials reads the key file, asks the agent and reveals the password. A part
// that fails is an error only when nothing else is left.
func (d *dialer) credentials(ctx context.Context) (*credentials, error) {
	c := &credentials{user: d.host.User}
	var signers []ssh.Signer
	if d.host.KeyFile != "" {
		if s, err := d.keyFile(); err != nil {
			c.faults = append(c.faults, err)
		} else {
			signers = append(signers, s...)
			c.names = append(c.names, "key file "+d.host.KeyFile)
		}
	}
	var asked agent.ExtendedAgent
	if d.host.Agent {
		if err := c.dialAgent(ctx); err != nil {
			c.faults = append(c.faults, err)
		} else {
			asked = agent.NewClient(c.agent)
			c.names = append(c.names, "SSH agent")
		}
	}
	if len(signers) > 0 || asked != nil {
		// One method for both: the SSH library tries each method once.
		c.methods = append(c.methods, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			if asked == nil {
				return signers, nil
			}
			more, err := asked.Signers()
			if err != nil && len(signers) == 0 {
				return nil, fmt.Errorf("the SSH agent gives no keys: %w", err)
			}
			return append(signers[:len(signers):len(signers)], more...), nil
		}))
	}
	if !d.host.Password.IsZero() {
		if password, err := d.host.Password.Reveal(); err != nil {
			c.faults = append(c.faults, fmt.Errorf("password: %w", err))
		} else {
			c.methods = append(c.methods, ssh.Password(password), ssh.KeyboardInteractive(answerWith(password)))
			c.names = append(c.names, "password")
		}
	}
	if len(c.methods) == 0 {
		c.close()
		return nil, errors.Join(c.faults...)
	}
	for _, fault := range c.faults {
		d.log.Warn("a credential cannot be used", "host", d.host.ID, "error", fault)
	}
	return c, nil
}

// keyFile reads the private key, and beside it KEY-cert.pub as ssh(1) does.
func (d *dialer) keyFile() ([]ssh.Signer, error) {
	text, err := os.ReadFile(d.host.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if d.host.Passphrase.IsZero() {
			return nil, fmt.Errorf("the key in %s has a passphrase: give it as passphrase: env:NAME or file:/path in hosts.yaml, or use the agent", d.host.KeyFile)
		}
		passphrase, revealErr := d.host.Passphrase.Reveal()
		if revealErr != nil {
			return nil, fmt.Errorf("passphrase: %w", revealErr)
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase))
	}
	if err != nil {
		return nil, fmt.Errorf("the key in %s cannot be used: %w", d.host.KeyFile, err)
	}
	signers := []ssh.Signer{signer}
	if text, err = os.ReadFile(d.host.KeyFile + "-cert.pub"); err == nil {
		if key, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
			if cert, ok := key.(*ssh.Certificate); ok {
				if certified, err := ssh.NewCertSigner(cert, signer); err == nil {
					signers = []ssh.Signer{certified, signer}
				}
			}
		}
	}
	return signers, nil
}

func (c *credentials) dialAgent(ctx context.Context) error {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return errors.New("the SSH agent is to be asked (agent: true), but SSH_AUTH_SOCK is not set in the gateway's environment")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("the SSH agent cannot be reached: %w", err)
	}
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	c.agent = conn
	return nil
}

func (c *credentials) close() {
	if c.agent != nil {
		_ = c.agent.Close()
	}
}

// rejected is the error for a host that took none of it.
func (c *credentials) rejected(err error) error {
	why := fmt.Sprintf("it does not let user %s in (tried: %s)", c.user, strings.Join(c.names, ", "))
	for _, fault := range c.faults {
		why += "; " + fault.Error()
	}
	return fmt.Errorf("%s; check the user name, and that the account accepts this key (authorized_keys) or password: %w", why, err)
}

// answerWith answers the one question of a password prompt, once: a second
// question is for something that we do not have.
func answerWith(password string) ssh.KeyboardInteractiveChallenge {
	answered := false
	return func(_, _ string, questions []string, _ []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		if len(questions) > 1 || answered {
			return nil, errors.New("the host asks for more than a password, which the gateway cannot give: use a key")
		}
		answered = true
		return []string{password}, nil
	}
}
