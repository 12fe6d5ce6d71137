package main

import (
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	zone      = "cluster.local"
	typeA     = 1
	classIN   = 1
	noError   = 0
	failure   = 2
	noName    = 3
	freshness = time.Second
	ttl       = 5
)

// names is what the API says now: addresses by full name, read again when a question comes and
// what is known is a second old.
type names struct {
	api   *api
	mutex sync.Mutex
	known map[string][]net.IP
	read  time.Time
}

func (n *names) look(name string) ([]net.IP, bool, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if time.Since(n.read) > freshness {
		known, err := n.list()
		if err != nil && n.known == nil {
			return nil, false, err
		}
		if err == nil {
			n.known, n.read = known, time.Now()
		}
	}
	addresses, there := n.known[name]
	return addresses, there, nil
}

func (n *names) list() (map[string][]net.IP, error) {
	var services struct {
		Items []struct {
			Metadata meta
			Spec     struct{ ClusterIP string }
		}
	}
	if _, err := n.api.call("GET", "/api/v1/services", nil, &services); err != nil {
		return nil, err
	}
	var endpoints struct {
		Items []struct {
			Metadata meta
			Subsets  []struct {
				Addresses []struct{ IP, Hostname string }
			}
		}
	}
	if _, err := n.api.call("GET", "/api/v1/endpoints", nil, &endpoints); err != nil {
		return nil, err
	}
	known, headless := map[string][]net.IP{}, map[string]bool{}
	for _, one := range services.Items {
		name := one.Metadata.Name + "." + one.Metadata.Namespace + ".svc." + zone
		if ip := net.ParseIP(one.Spec.ClusterIP); ip != nil {
			known[name] = []net.IP{ip}
		} else {
			known[name], headless[name] = nil, true
		}
	}
	for _, one := range endpoints.Items {
		name := one.Metadata.Name + "." + one.Metadata.Namespace + ".svc." + zone
		for _, subset := range one.Subsets {
			for _, address := range subset.Addresses {
				ip := net.ParseIP(address.IP)
				if headless[name] {
					known[name] = append(known[name], ip)
				}
				if address.Hostname != "" {
					known[address.Hostname+"."+name] = []net.IP{ip}
				}
			}
		}
	}
	return known, nil
}

func serveDNS(a *api) {
	n := &names{api: a}
	upstream := upstreamServer()
	packets, err := net.ListenPacket("udp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	go serveTCP(n, upstream)
	slots := make(chan struct{}, 256)
	for {
		question := make([]byte, 4096)
		size, peer, err := packets.ReadFrom(question)
		if err != nil {
			log.Fatal(err)
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			if reply := respond(n, upstream, question[:size]); reply != nil {
				packets.WriteTo(reply, peer)
			}
		}()
	}
}

func serveTCP(n *names, upstream string) {
	listener, err := net.Listen("tcp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer connection.Close()
			connection.SetDeadline(time.Now().Add(10 * time.Second))
			var size uint16
			if binary.Read(connection, binary.BigEndian, &size) != nil {
				return
			}
			question := make([]byte, size)
			if _, err := io.ReadFull(connection, question); err != nil {
				return
			}
			if reply := respond(n, upstream, question); reply != nil {
				binary.Write(connection, binary.BigEndian, uint16(len(reply)))
				connection.Write(reply)
			}
		}()
	}
}

// upstreamServer is the first resolver of the node (the pod's dnsPolicy is Default).
func upstreamServer() string {
	text, _ := os.ReadFile("/etc/resolv.conf")
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "nameserver" {
			return net.JoinHostPort(fields[1], "53")
		}
	}
	return ""
}

// parse reads the one question of a request: its name, type and where it ends (RFC 1035, 4.1.2).
func parse(request []byte) (string, uint16, int, error) {
	if len(request) < 12 || binary.BigEndian.Uint16(request[4:]) != 1 {
		return "", 0, 0, errors.New("not one question")
	}
	var labels []string
	at := 12
	for at < len(request) && request[at] != 0 {
		size := int(request[at])
		if size > 63 || at+1+size > len(request) {
			return "", 0, 0, errors.New("bad name")
		}
		labels = append(labels, strings.ToLower(string(request[at+1:at+1+size])))
		at += 1 + size
	}
	if at+5 > len(request) {
		return "", 0, 0, errors.New("cut off")
	}
	return strings.Join(labels, "."), binary.BigEndian.Uint16(request[at+1:]), at + 5, nil
}

func respond(n *names, upstream string, request []byte) []byte {
	name, kind, end, err := parse(request)
	if err != nil {
		return nil
	}
	if name != zone && !strings.HasSuffix(name, "."+zone) {
		return forward(upstream, request, end)
	}
	addresses, there, err := n.look(name)
	if err != nil {
		return reply(request, end, failure, nil)
	}
	if !there {
		return reply(request, end, noName, nil)
	}
	if kind != typeA {
		return reply(request, end, noError, nil)
	}
	return reply(request, end, noError, addresses)
}

// reply is the request's header and question, and one A record an address.
func reply(request []byte, end int, code byte, addresses []net.IP) []byte {
	made := append([]byte{}, request[:end]...)
	made[2] = 0x84 | request[2]&0x01 // an authoritative answer; recursion desired is copied
	made[3] = 0x80 | code
	binary.BigEndian.PutUint16(made[6:], uint16(len(addresses)))
	binary.BigEndian.PutUint32(made[8:], 0)
	for _, ip := range addresses {
		made = append(made, 0xc0, 12, 0, typeA, 0, classIN, 0, 0, 0, ttl, 0, 4)
		made = append(made, ip.To4()...)
	}
	return made
}

func forward(upstream string, request []byte, end int) []byte {
	if upstream == "" {
		return reply(request, end, failure, nil)
	}
	connection, err := net.DialTimeout("udp", upstream, 2*time.Second)
	if err != nil {
		return reply(request, end, failure, nil)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(2 * time.Second))
	connection.Write(request)
	answer := make([]byte, 4096)
	size, err := connection.Read(answer)
	if err != nil {
		return reply(request, end, failure, nil)
	}
	return answer[:size]
}
