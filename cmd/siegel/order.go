package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// maxOrder bounds an order file, in octets. The server takes less.
const maxOrder = 1 << 20

// readOrder reads ORDER.json, or standard input for "-".
func readOrder(t *terminal, name string) (*siegelv1.Order, error) {
	text, err := readInput(t, name, maxOrder)
	if err != nil {
		return nil, usageError(err)
	}
	order, err := parseOrder(text)
	if err != nil {
		return nil, invalid(fmt.Errorf("%s: %w", name, err))
	}
	return order, nil
}

// onceFromStdin refuses "-" where it stands twice: the second would find nothing.
func onceFromStdin(names []string) error {
	first := slices.Index(names, "-")
	if first >= 0 && slices.Contains(names[first+1:], "-") {
		return usageError(errors.New(`"-" stands twice, and standard input can be read once only`))
	}
	return nil
}

// readInput reads a file, or standard input for "-", up to a limit.
func readInput(t *terminal, name string, limit int64) ([]byte, error) {
	in := t.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d octets", name, limit)
	}
	return text, nil
}

// parseOrder reads an order in the Protobuf JSON mapping. Unknown fields are errors; the error says line and column.
func parseOrder(text []byte) (*siegelv1.Order, error) {
	order := &siegelv1.Order{}
	if err := protojson.Unmarshal(text, order); err != nil {
		// The library begins its errors with its name and a blank whose kind changes from build to build.
		_, message, _ := strings.Cut(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
		return nil, errors.New("not an order: " + message)
	}
	return order, nil
}
