package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The crash campaign: clients work, and at random moments servers are killed, the database crashes, connections break and the disk is
// full. After each round the database alone must prove that nothing acknowledged is lost and nothing is there twice (ledger_test.go).
// `make chaos` runs 30 rounds on each store; the tests run two. The seed gives the faults, their moments and what clients do; how the clients'
// calls fall between each other is new each time.
var (
	chaosRounds = flag.Int("chaos.rounds", 2, "rounds of the crash campaign on each store")
	chaosSeed   = flag.Uint64("chaos.seed", 0, "seed of the crash campaign; 0 draws one")
)

// roundTime is how long a round works, without restarts.
const roundTime = 2 * time.Second

// campaign is the world of one store. Faults are done by one goroutine, one after the other.
type campaign struct {
	t       *testing.T
	r       *rig.Rig
	random  *rand.Rand
	cluster *pgtest.Cluster // nil with SQLite
	flags   []string        // of the servers
	servers []*chaosServer
	load    *load
	ledger  *ledger
	faults  []fault
	log     map[string]int // faults done
}

// chaosServer is a server that comes back, behind a proxy that stays.
type chaosServer struct {
	*rig.Server
	proxy *proxy
	tiles atomic.Pointer[string] // its addresses, for monitors and for relying parties
	http  atomic.Pointer[string]
}

// fault is one way in which things break.
type fault struct {
	name string
	do   func(c *campaign)
}

var (
	killServer = fault{"kill -9 a server", (*campaign).killServer}
	cutClients = fault{"cut every client connection", (*campaign).cutClients}
	fillDisk   = fault{"fill the disk", (*campaign).fillDisk}
	crash      = fault{"restart PostgreSQL in immediate mode", (*campaign).crash}
	killPeers  = fault{"kill -9 the database's processes", (*campaign).killBackends}
)

func TestChaosSQLite(t *testing.T) {
	r := newRig(t)
	c := &campaign{t: t, r: r, faults: []fault{killServer, cutClients}}
	if disksFill {
		c.faults = append(c.faults, fillDisk, fillDisk)
	}
	c.ledger = openLedger(t, "sqlite", "file:"+filepath.Join(r.Data, "siegel.db")+"?mode=ro&_pragma=busy_timeout(5000)", newAuditor(t, r).verifier)
	c.run(1)
	c.audit()
	if !t.Failed() {
		requireTamperingFound(c.ledger, c.load.known())
	}
}

func TestChaosPostgres(t *testing.T) {
	r := newRig(t)
	cluster, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := writeConfig(t, r, cluster.DSN(""))
	siegeldMigrate(t, config, "has schema version")
	c := &campaign{t: t, r: r, cluster: cluster, flags: []string{"--config", config}, faults: []fault{killServer, cutClients, crash, killPeers}}
	c.ledger = openLedger(t, "pgx", cluster.DSN(""), newAuditor(t, r).verifier)
	c.run(2)
	c.audit()
}

// audit has an auditor verify the whole log of a campaign that is over.
func (c *campaign) audit() {
	c.t.Helper()
	server, err := c.r.Start(c.flags...)
	if err != nil {
		c.t.Fatal(err)
	}
	exportAndVerify(c.t, c.r, server)
	stop(c.t, server)
}

// run starts the servers and makes the rounds.
func (c *campaign) run(servers int) {
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	c.t.Logf("go test ./internal/e2e -run %s -chaos.rounds %d -chaos.seed %d", c.t.Name(), *chaosRounds, seed)
	c.random, c.log = rand.New(rand.NewPCG(seed, 0)), map[string]int{}
	var behind []clients
	for range servers {
		s := &chaosServer{proxy: newProxy(c.t)}
		c.servers = append(c.servers, s)
		c.start(s)
		behind = append(behind, c.clients(s))
	}
	c.load = newLoad(c.t, rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}), behind)
	for round := range *chaosRounds {
		if c.round(round, seed+uint64(round)); c.t.Failed() {
			break
		}
	}
	for _, s := range c.servers {
		stop(c.t, s.Server)
	}
	c.t.Logf("faults: %s", tally(c.log))
	c.t.Logf("acts: %s; %d retries", tally(c.load.done), c.load.retries)
}

// tally writes counts, by name.
func tally(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d × %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}

// start starts a server and leads its clients there. As a supervisor does, it tries again after exit code 1, with which a server ends while its
// database recovers, and after no other.
func (c *campaign) start(s *chaosServer) {
	c.t.Helper()
	server, err := c.r.Start(c.flags...)
	for end := time.Now().Add(20 * time.Second); err != nil; server, err = c.r.Start(c.flags...) {
		if !strings.Contains(err.Error(), "exit status 1\n") || time.Now().After(end) {
			c.t.Fatal(err)
		}
	}
	s.Server = server
	s.tiles.Store(&server.Tiles)
	s.http.Store(&server.HTTP)
	s.proxy.lead(server.Addr)
}

// clients connects the people and machines that work with a server.
func (c *campaign) clients(s *chaosServer) clients {
	c.t.Helper()
	person := func(operator string) people {
		conn := c.dial(s, operator)
		return people{siegelv1.NewAuthorityServiceClient(conn), siegelv1.NewApprovalServiceClient(conn)}
	}
	return clients{
		line:       siegelv1.NewIssuanceServiceClient(c.dial(s, "line-1")),
		desk:       siegelv1.NewLifecycleServiceClient(c.dial(s, "desk-1")),
		revocation: siegelv1.NewLifecycleServiceClient(c.dial(s, "revocation-1")),
		first:      person("ca-operator-1"),
		second:     person("ca-operator-2"),
		status:     func() string { return *s.http.Load() },
	}
}

// dial connects an operator with a server, whichever process serves it. The connection does not wait long before it is made anew.
func (c *campaign) dial(s *chaosServer, operator string) *grpc.ClientConn {
	c.t.Helper()
	conn, err := c.r.Dial(&rig.Server{Addr: s.proxy.addr()}, operator, grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 300 * time.Millisecond}, MinConnectTimeout: time.Second}))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	return conn
}

// round lets the clients work, breaks things at one to three moments, and checks.
func (c *campaign) round(round int, seed uint64) {
	c.t.Helper()
	working, rest := context.WithCancel(c.t.Context())
	var clients sync.WaitGroup
	clients.Go(func() { c.load.run(working, seed) })
	for _, s := range c.servers {
		clients.Go(func() { c.load.watch(working, func() string { return *s.tiles.Load() }) })
	}
	var names []string
	breaks := 1 + c.random.IntN(3)
	for range breaks {
		time.Sleep(time.Duration(c.random.Int64N(int64(roundTime) / int64(breaks))))
		f := c.faults[c.random.IntN(len(c.faults))]
		names = append(names, f.name)
		c.log[f.name]++
		f.do(c)
	}
	time.Sleep(roundTime / 4)
	rest()
	clients.Wait()
	if c.t.Failed() {
		return
	}
	c.settle()
	k := c.load.known()
	k.checkpoints = append(k.checkpoints, string(readData(c.t, c.r, "checkpoint")))
	problems, _, summary := c.ledger.check(c.t.Context(), k)
	for _, p := range problems[:min(len(problems), 20)] {
		c.t.Errorf("round %d (%s): %s", round, strings.Join(names, ", "), p)
	}
	c.t.Logf("round %d: %s: %s", round, strings.Join(names, ", "), summary)
}

// settle waits until the log has taken in and signed everything, and looks that nothing is open any more.
func (c *campaign) settle() {
	c.t.Helper()
	for _, rest := range []string{
		"SELECT count(*) FROM entries WHERE leaf_index IS NULL",
		"SELECT count(*) FROM checkpoints WHERE checkpoint IS NULL AND size = (SELECT max(size) FROM checkpoints)",
		"SELECT count(*) FROM attempts WHERE state = 'open'",
	} {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			var n int
			if err := c.ledger.db.QueryRowContext(c.t.Context(), rest).Scan(&n); err == nil && n == 0 {
				break
			} else if time.Now().After(end) {
				c.t.Fatalf("ten seconds after the clients rest: %s = %d, %v", rest, n, err)
			}
		}
	}
}

// any draws a server.
func (c *campaign) any() *chaosServer { return c.servers[c.random.IntN(len(c.servers))] }

// pause lets things be broken for a while.
func (c *campaign) pause(most time.Duration) { time.Sleep(time.Duration(c.random.Int64N(int64(most)))) }

func (c *campaign) killServer() {
	s := c.any()
	if err := s.Kill(); err != nil {
		c.t.Fatalf("a server had ended by itself: %v\n%s", err, s.Log())
	}
	c.pause(300 * time.Millisecond)
	c.start(s)
}

func (c *campaign) cutClients() {
	for range 1 + c.random.IntN(3) {
		for _, s := range c.servers {
			s.proxy.cut()
		}
		c.pause(100 * time.Millisecond)
	}
}

// fillDisk keeps the server's files from growing, somewhere within the WAL as it is now, so that one of the next commits fails in its
// middle. In one of three cases the server is killed meanwhile.
func (c *campaign) fillDisk() {
	s := c.any()
	wal, err := os.Stat(filepath.Join(c.r.Data, "siegel.db-wal"))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := limitFiles(s.PID(), c.random.Uint64N(uint64(wal.Size())+1)); err != nil {
		c.t.Fatalf("limit the server's files: %v", err)
	}
	c.pause(800 * time.Millisecond)
	if c.random.IntN(3) == 0 {
		c.killServer()
		return
	}
	if err := freeFiles(s.PID()); err != nil {
		c.t.Fatalf("free the server's files: %v", err)
	}
}

func (c *campaign) crash() {
	if err := c.cluster.Crash(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *campaign) killBackends() {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	if err := c.cluster.KillBackends(ctx); err != nil {
		c.t.Logf("the database went down in the middle of it: %v", err)
	}
}
