package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
)

// softHSM2 is the environment variable in which SoftHSM2 finds its configuration.
const softHSM2 = "SOFTHSM2_CONF"

// loadTokenURI gives the token's URI from the configuration or from the file that the ceremony wrote.
func loadTokenURI(cfg config) (string, error) {
	if cfg.Token.URI != "" {
		return cfg.Token.URI, nil
	}
	text, err := os.ReadFile(filepath.Join(cfg.Data, "token", "uri"))
	switch {
	case errors.Is(err, fs.ErrNotExist): // after a ceremony in a token of its own
		return "", fmt.Errorf("the ceremony left no token in %s; set token.uri in the configuration to the URI that its --token had, "+
			"and token.pin_file to a file with the user PIN", cfg.Data)
	case err != nil:
		return "", fmt.Errorf("read the token's URI, as token.uri is not set: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// openToken opens the token. A module of SoftHSM2 reads its environment when it is loaded, so that the variable must be set
// before.
func openToken(ctx context.Context, cfg tokenConfig, uri string, log *slog.Logger) (*hsm.Token, error) {
	if _, set := os.LookupEnv(softHSM2); !set {
		switch _, err := os.Stat(cfg.SoftHSM2); {
		case err == nil:
			if err := os.Setenv(softHSM2, cfg.SoftHSM2); err != nil {
				return nil, fmt.Errorf("set %s: %w", softHSM2, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("look for the configuration of SoftHSM2: %w", err)
		}
	}
	token, err := hsm.Open(ctx, hsm.Config{URI: uri, PIN: hsm.PINFromFile(cfg.PINFile), Sessions: cfg.Sessions}, log)
	if err != nil {
		return nil, fmt.Errorf("open the token: %w", err)
	}
	return token, nil
}

// issuers joins the issuers of the hierarchy with their keys. The key of an issuer that signs no profile, such as a root, is not
// even looked for.
func issuers(ctx context.Context, h *hierarchy.Hierarchy, token *hsm.Token) ([]ca.Issuer, error) {
	list := make([]ca.Issuer, len(h.Issuers))
	for i := range h.Issuers {
		public := &h.Issuers[i]
		list[i].Issuer = &public.Issuer
		if len(public.Profiles) == 0 {
			continue
		}
		key, err := token.Key(ctx, public.KeyID)
		if err != nil {
			return nil, fmt.Errorf("find the key of issuer %q, CKA_ID %x: %w", public.Name, public.KeyID, err)
		}
		list[i].Key = key
	}
	return list, nil
}
