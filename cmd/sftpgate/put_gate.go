package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"

	"sftpgate/gateway/client"
)

// gateFlags say which gateway is asked, and who is asking.
type gateFlags struct {
	Gate   string `env:"SFTPGATE_URL" placeholder:"URL" help:"The gateway, such as https://gate.example.com. Default: gate in the config file."`
	Ticket string `placeholder:"TICKET" help:"Ticket (JWT) from your panel. Other users of this machine see it on a command line: prefer SFTPGATE_TICKET, or ticket in the config file, which is sftpgate/config.yaml in $$XDG_CONFIG_HOME or ~/.config."`
}

// connect gives a client of the gateway that flags, environment or config file name.
func (f gateFlags) connect(o client.Options) (*client.Client, error) {
	kept, name, err := readConfig()
	if err != nil {
		return nil, err
	}
	if f.Gate == "" {
		f.Gate = kept.Gate
		if f.Ticket == "" { // a ticket is for one gateway
			f.Ticket = kept.Ticket
		}
	} else if f.Ticket == "" && kept.Gate == f.Gate {
		f.Ticket = kept.Ticket
	}
	if f.Gate == "" {
		return nil, misused("which gateway? Add --gate https://gate.example.com, set SFTPGATE_URL, or write gate: into %s", name)
	}
	if f.Ticket = strings.TrimSpace(f.Ticket); strings.ContainsFunc(f.Ticket, unicode.IsControl) {
		return nil, misused("the ticket has control characters in it: give it as one line")
	}
	o.URL, o.Ticket, o.Agent = f.Gate, f.Ticket, "sftpgate/"+version()
	c, err := client.New(o)
	if err != nil {
		return nil, misused("--gate: %v", err)
	}
	return c, nil
}

// config is the config file.
type config struct {
	Gate   string `yaml:"gate"`
	Ticket string `yaml:"ticket"`
}

// readConfig reads the config file, which need not be there.
func readConfig() (c config, name string, err error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // as the XDG specification says
		home, err := os.UserHomeDir()
		if err != nil {
			return c, "~/.config/sftpgate/config.yaml", nil
		}
		dir = filepath.Join(home, ".config")
	}
	name = filepath.Join(dir, "sftpgate", "config.yaml")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, name, nil
	}
	if err != nil {
		return c, name, misused("cannot read the config file: %v", err)
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return c, name, misused("the config file %s may hold gate and ticket only: %s", name, yaml.FormatError(err, false, false)) // without the lines, which hold the ticket
	}
	if info, err := os.Stat(name); err == nil && c.Ticket != "" && info.Mode().Perm()&0o077 != 0 {
		return c, name, misused("the config file %s holds a ticket and can be read by others: chmod 600 %s", name, name)
	}
	return c, name, nil
}
