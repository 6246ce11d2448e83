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
	"github.com/siegel-pki/siegel/profiles"
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

// openTokens opens the token, and those that hold copies of its keys. It waits for the people who give PINs.
func openTokens(ctx context.Context, cfg config, uri string, p *pins, log *slog.Logger) (*hsm.Tokens, error) {
	if err := findSoftHSM2(cfg.Token); err != nil {
		return nil, err
	}
	configs, err := cfg.tokens(ctx, uri, p)
	if err != nil {
		return nil, err
	}
	tokens, err := hsm.OpenTokens(ctx, configs, log)
	if err != nil {
		return nil, fmt.Errorf("open the token: %w", err)
	}
	for _, info := range tokens.Infos() {
		log.Info("token is open", "label", info.Label, "manufacturer", info.Manufacturer, "serial", info.Serial, "sessions", info.Sessions)
	}
	return tokens, nil
}

// findSoftHSM2 sets the variable in which a module of SoftHSM2 finds its configuration. The module reads it when it is loaded.
func findSoftHSM2(cfg tokenConfig) error {
	if _, set := os.LookupEnv(softHSM2); set {
		return nil
	}
	switch _, err := os.Stat(cfg.SoftHSM2); {
	case err == nil:
		if err := os.Setenv(softHSM2, cfg.SoftHSM2); err != nil {
			return fmt.Errorf("set %s: %w", softHSM2, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for the configuration of SoftHSM2: %w", err)
	}
	return nil
}

// tokens lists the token, whose URI may not be in the configuration, and its copies.
func (c *config) tokens(ctx context.Context, uri string, p *pins) ([]hsm.Config, error) {
	pin, err := p.source(ctx, c.Token.PINFile, c.Token.PIN, "the token")
	if err != nil {
		return nil, err
	}
	list := []hsm.Config{{URI: uri, PIN: pin, Sessions: c.Token.Sessions, Latch: c.Data, Reserved: c.Token.Reserved, Quirks: c.Token.Quirks}}
	for i, more := range c.Token.Copies {
		next := hsm.Config{URI: more.URI, PIN: pin, Sessions: more.Sessions, Latch: c.Data, Reserved: more.Reserved, Quirks: more.Quirks}
		if more.PIN != "" || more.PINFile != "" {
			if next.PIN, err = p.source(ctx, more.PINFile, more.PIN, fmt.Sprintf("copy %d of the token", i+1)); err != nil {
				return nil, err
			}
		}
		list = append(list, next)
	}
	return list, nil
}

// issuers joins the issuers of the hierarchy with their keys. The key of an issuer that signs nothing here, such as a root, or an OCSP
// signer whose key the list does not name, is not even looked for.
func issuers(ctx context.Context, h *hierarchy.Hierarchy, tokens *hsm.Tokens) ([]ca.Issuer, error) {
	list := make([]ca.Issuer, len(h.Issuers))
	for i := range h.Issuers {
		public := &h.Issuers[i]
		list[i].Issuer = &public.Issuer
		if signs := len(public.Profiles) > 0 || public.Kind == profiles.OCSPSigner && len(public.KeyID) > 0; !signs {
			continue
		}
		key, err := tokens.Key(ctx, public.KeyID)
		if err != nil {
			return nil, fmt.Errorf("find the key of issuer %q, CKA_ID %x: %w", public.Name, public.KeyID, err)
		}
		list[i].Key = key
	}
	return list, nil
}
