package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// faultsOf gives what a refusal says, one element at least.
func faultsOf(st *status.Status) []lineFault {
	var faults []lineFault
	for _, v := range detail[*errdetails.BadRequest](st).GetFieldViolations() {
		faults = append(faults, lineFault{Field: v.GetField(), Rule: v.GetReason(), Message: oneLine(v.GetDescription())})
	}
	if len(faults) > 0 {
		return faults
	}
	f := lineFault{Rule: st.Code().String(), Message: oneLine(st.Message())}
	if info := detail[*errdetails.ErrorInfo](st); info != nil {
		f.Rule = info.GetReason()
	}
	return []lineFault{f}
}

// faultyLine is an element of what `siegel batch --check --json` prints.
type faultyLine struct {
	Line   int         `json:"line"`
	Faults []lineFault `json:"faults"`
}

func (b *batch) faultyLines() []faultyLine {
	list := []faultyLine{}
	for _, n := range slices.Sorted(maps.Keys(b.failed)) {
		list = append(list, faultyLine{n, b.failed[n]})
	}
	return list
}

// writeErrors writes the lines without a card to a batch file of their own, each below comments that say why. It appears in one step.
func writeErrors(path string, source *batchSource, failed map[int][]lineFault) error {
	if err := source.rewind(); err != nil {
		return fmt.Errorf("read the batch file again: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
	if err != nil {
		return fmt.Errorf("write the file of errors: %w", err)
	}
	defer os.Remove(f.Name()) // nothing is there any more where it was moved
	err = errors.Join(copyFailed(f, source, failed), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the file of errors: %w", err)
	}
	return nil
}

func copyFailed(out io.Writer, source *batchSource, failed map[int][]lineFault) error {
	w := bufio.NewWriter(out)
	if source.csv {
		fmt.Fprintf(w, "%s\n", source.heading)
	}
	for {
		l, err := source.next()
		if errors.Is(err, io.EOF) {
			return w.Flush()
		}
		if err != nil {
			return err
		}
		faults, is := failed[l.number]
		if !is {
			continue
		}
		for _, fault := range faults {
			fmt.Fprintf(w, "# line %d: %s\n", l.number, fault)
		}
		fmt.Fprintf(w, "%s\n", l.text)
	}
}
