// Package web is what the server says over HTTP, without TLS and without asking who reads. Three addresses serve three groups of readers; who
// reaches which is for the network to decide:
//
//	http     relying parties: OCSP, CRLs, certificates of issuers; health       Public
//	tiles    auditors and monitors: the log as C2SP tlog-tiles                  Tiles
//	metrics  the operator's Prometheus; health                                  Internal
//
// What relying parties and monitors get is signed. The tiles have an address of their own because entries name cards and orders by their
// numbers, which are not for everybody.
//
// What holds for all of them: no request is logged (TIP1-A_4234), a request has 16 KiB of headers and 64 KiB of body at most, and no
// answer is longer in the making than half a minute. Health follows the database and the token, as over gRPC.
//
// Where to look:
//
//	server.go   a server on an address, from listener to orderly end
//	routes.go   paths to handlers: 404 and 405
//	public.go   what relying parties see, and the certificates of issuers
//	tiles.go    the log, for monitors
//	internal.go what the operator's own tools see
//	ocsp.go     OCSP by POST and GET
//	crl.go      CRLs
//	limit.go    how often a client may ask
//	health.go   /healthz and /readyz
package web
