package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"sftpgate/gateway/web"
)

// ticketFlags say which tickets --auth jwt takes.
type ticketFlags struct {
	JWTAlg      string        `name:"jwt-alg" enum:",HS256,EdDSA,RS256" default:"" placeholder:"ALG" help:"Signature algorithm of tickets: HS256, EdDSA or RS256. No other is accepted."`
	JWTKey      string        `name:"jwt-key" placeholder:"FILE" help:"Key that verifies tickets: a file, or env:NAME. The secret for HS256 (at least 32 bytes), else a public key or certificate in PEM."`
	JWTJWKS     string        `name:"jwt-jwks" placeholder:"URL" help:"Instead of --jwt-key: public keys as a JWK set, in a file or at a URL (https, or http on this machine)."`
	JWTAudience string        `name:"jwt-audience" placeholder:"NAME" help:"Audience (aud) that a ticket must name."`
	JWTIssuer   string        `name:"jwt-issuer" placeholder:"NAME" help:"Issuer (iss) that a ticket must have. Default: any."`
	JWTLeeway   time.Duration `name:"jwt-leeway" default:"30s" placeholder:"TIME" help:"How far the clocks of panel and gateway may differ. Default 30s."`
}

// set reports whether anything is said about tickets.
func (f ticketFlags) set() bool {
	return f.JWTAlg != "" || f.JWTKey != "" || f.JWTJWKS != "" || f.JWTAudience != "" || f.JWTIssuer != ""
}

func (f ticketFlags) authenticator(ctx context.Context, admins []string, log *slog.Logger) (web.Authenticator, error) {
	switch {
	case f.JWTAlg == "":
		return nil, misused("--auth jwt needs --jwt-alg: one of %s, whichever your panel signs with", strings.Join(web.Algorithms, ", "))
	case (f.JWTKey == "") == (f.JWTJWKS == ""):
		return nil, misused("--auth jwt needs either --jwt-key or --jwt-jwks")
	case f.JWTAudience == "":
		return nil, misused("--auth jwt needs --jwt-audience: a name for this gateway that your panel puts in the aud claim, as in --jwt-audience sftpgate")
	case f.JWTLeeway < 0:
		return nil, misused("--jwt-leeway must not be negative")
	}
	o := web.JWTOptions{Algorithm: f.JWTAlg, JWKS: f.JWTJWKS, Audience: f.JWTAudience, Issuer: f.JWTIssuer, Leeway: f.JWTLeeway, Admins: admins, Log: log}
	flag := "--jwt-jwks"
	if f.JWTKey != "" {
		flag = "--jwt-key"
		var err error
		if o.Key, err = keyText(f.JWTKey); err != nil {
			return nil, err
		}
	}
	auth, err := ticketAuth(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return auth, nil
}

// keyText reads what --jwt-key names.
func keyText(ref string) ([]byte, error) {
	name, ok := strings.CutPrefix(ref, "env:")
	if !ok {
		text, err := os.ReadFile(ref)
		if err == nil && len(text) == 0 {
			err = fmt.Errorf("%s is empty", ref)
		}
		if err != nil {
			return nil, fmt.Errorf("--jwt-key: %w", err)
		}
		return text, nil
	}
	text := os.Getenv(name)
	if text == "" {
		return nil, fmt.Errorf("--jwt-key: the environment variable %s is not set", name)
	}
	return []byte(text), nil
}
