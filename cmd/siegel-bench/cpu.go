package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuUse is processor time, by who used it. It is read from /proc, so that it is zero where there is none.
type cpuUse struct {
	client   time.Duration // this process
	server   time.Duration // siegeld
	database time.Duration // PostgreSQL
}

func (u cpuUse) since(before cpuUse) cpuUse {
	return cpuUse{u.client - before.client, u.server - before.server, u.database - before.database}
}

func (u cpuUse) total() time.Duration { return u.client + u.server + u.database }

// perCard gives a time for one of n cards, in milliseconds.
func perCard(d time.Duration, n int) float64 {
	if n == 0 {
		return 0
	}
	return d.Seconds() * 1e3 / float64(n)
}

// clockTick is the unit of processor time in /proc: USER_HZ is 100 on every architecture that Go knows.
const clockTick = 10 * time.Millisecond

// useOfCPU adds up what this process and those that it started have used.
func useOfCPU() (u cpuUse) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u
	}
	type process struct {
		parent int
		name   string
		used   time.Duration
	}
	all := map[int]process{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		open, closed := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')') // the name may hold anything
		if open < 0 || closed < open {
			continue
		}
		fields := strings.Fields(string(text[closed+1:]))
		if len(fields) < 13 {
			continue
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:open])))
		parent, _ := strconv.Atoi(fields[1])
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		all[pid] = process{parent, string(text[open+1 : closed]), time.Duration(user+system) * clockTick}
	}
	for pid, p := range all {
		self := pid == os.Getpid()
		for up := pid; up > 1 && !self; up = all[up].parent {
			self = all[up].parent == os.Getpid()
		}
		switch {
		case pid == os.Getpid():
			u.client += p.used
		case self && p.name == "siegeld":
			u.server += p.used
		case self && p.name == "postgres":
			u.database += p.used
		}
	}
	return u
}
