package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// journal remembers which orders of one batch file have their card on the disk, so that the same command goes on where it was stopped. It is
// a file of JSON lines in the output folder, named after the SHA-256 of the batch file: another file, or a changed one, has another journal.
//
// A line is written after the card's files are on the disk. Lines reach the disk within a second; one that is lost costs nothing but
// the order's being sent again, which gives the same card. A torn last line is cut off. Safe for concurrent use.
type journal struct {
	path string
	done map[string]bool // order ids that it had when it was opened

	mu   sync.Mutex
	file *os.File
	err  error // of the first write or sync that failed

	stop  chan struct{}
	ended chan struct{}
}

// journalLine is a line of the journal.
type journalLine struct {
	Order string    `json:"order_id"`
	ICCSN string    `json:"iccsn"`
	Name  string    `json:"name"` // of the folder or ZIP file
	At    time.Time `json:"at"`
}

// journalSync is how long a line may wait for the disk.
const journalSync = time.Second

// runOf names the work at a batch file: 16 hex digits of the SHA-256 of its content.
func runOf(source io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, source); err != nil {
		return "", fmt.Errorf("read the batch file: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// openJournal opens the journal of a run in a folder.
func openJournal(dir, run string) (*journal, error) {
	j := &journal{
		path: filepath.Join(dir, "journal-"+run+".jsonl"), done: map[string]bool{},
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
	var err error
	if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	if err := errors.Join(j.load(), syncFile(dir)); err != nil {
		j.file.Close()
		return nil, fmt.Errorf("read the journal %s: %w", j.path, err)
	}
	go j.keepSynced()
	return j, nil
}

// load reads the journal and stands behind its last whole line.
func (j *journal) load() error {
	r := bufio.NewReader(j.file)
	var whole int64
	for {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what stands behind the last line break is torn
		}
		if err != nil {
			return err
		}
		var l journalLine
		if err := json.Unmarshal(bytes.TrimRight(text, "\n"), &l); err != nil || l.Order == "" {
			return errors.New("it holds a line that is none of a journal's; move it away to have every order sent again, which is safe")
		}
		j.done[l.Order] = true
		whole += int64(len(text))
	}
	if err := j.file.Truncate(whole); err != nil {
		return err
	}
	_, err := j.file.Seek(whole, io.SeekStart)
	return err
}

// add says that the card of an order is on the disk.
func (j *journal) add(l journalLine) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode a line of the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		_, j.err = j.file.Write(append(text, '\n'))
	}
	return j.err
}

// keepSynced brings the journal to the disk again and again.
func (j *journal) keepSynced() {
	defer close(j.ended)
	tick := time.NewTicker(journalSync)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-j.stop:
			return
		}
		j.sync()
	}
}

func (j *journal) sync() {
	err := j.file.Sync() // beside the lock: lines may be written meanwhile
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = errors.Join(j.err, err)
}

// Close brings the journal to the disk and gives the first error that befell it.
func (j *journal) Close() error {
	close(j.stop)
	<-j.ended
	j.sync()
	if err := errors.Join(j.err, j.file.Close()); err != nil {
		return fmt.Errorf("write the journal %s: %w", j.path, err)
	}
	return nil
}
