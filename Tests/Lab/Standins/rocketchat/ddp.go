package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10

	frameBytesMax = 1 << 20
	idleMax       = 10 * time.Minute
)

// addSockets answers DDP on /websocket (bare) and below /sockjs (in SockJS frames). The header says
// which service answered, so that a test can tell routes apart.
func addSockets(mux *http.ServeMux, role string) {
	mux.HandleFunc("/websocket", func(w http.ResponseWriter, r *http.Request) {
		upgrade(w, r, role, false)
	})
	mux.HandleFunc("/sockjs/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/sockjs/info":
			w.Header().Set("X-Lab-Service", role)
			answer(w, map[string]any{
				"websocket": true, "origins": []string{"*:*"}, "cookie_needed": false,
				"entropy": binary.BigEndian.Uint32(random(4)),
			})
		case strings.HasSuffix(r.URL.Path, "/websocket"):
			upgrade(w, r, role, true)
		default:
			http.NotFound(w, r)
		}
	})
}

func random(count int) []byte {
	bytes := make([]byte, count)
	rand.Read(bytes)
	return bytes
}

// upgrade is the opening handshake of RFC 6455, section 4.2.2.
func upgrade(w http.ResponseWriter, r *http.Request, role string, sockjs bool) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || key == "" {
		http.Error(w, `Can "Upgrade" only to "WebSocket".`, http.StatusBadRequest)
		return
	}
	hijacker, able := w.(http.Hijacker)
	if !able {
		http.Error(w, "not supported", http.StatusInternalServerError)
		return
	}
	connection, buffer, err := hijacker.Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nX-Lab-Service: "+role+"\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	s := &socket{connection: connection, reader: buffer.Reader, sockjs: sockjs}
	s.converse()
}

// socket is one WebSocket with a DDP conversation on it.
type socket struct {
	connection net.Conn
	reader     *bufio.Reader
	sockjs     bool
	writing    sync.Mutex
}

func (s *socket) converse() {
	if s.sockjs {
		s.write(opText, []byte("o"))
	}
	s.send(map[string]any{"server_id": "0"})
	for {
		s.connection.SetReadDeadline(time.Now().Add(idleMax))
		op, payload, err := s.read()
		if err != nil {
			return
		}
		switch op {
		case opText:
			for _, message := range s.unwrap(payload) {
				s.handle(message)
			}
		case opPing:
			s.write(opPong, payload)
		case opClose:
			s.write(opClose, payload)
			return
		}
	}
}

// unwrap takes DDP messages out of a frame: SockJS sends an array of strings.
func (s *socket) unwrap(payload []byte) []string {
	if !s.sockjs {
		return []string{string(payload)}
	}
	var messages []string
	if json.Unmarshal(payload, &messages) != nil {
		return nil
	}
	return messages
}

// handle answers one DDP message (Meteor's DDP specification, version 1).
func (s *socket) handle(text string) {
	var message map[string]any
	if json.Unmarshal([]byte(text), &message) != nil {
		s.send(map[string]any{"msg": "error", "reason": "Bad request"})
		return
	}
	switch message["msg"] {
	case "connect":
		if message["version"] != "1" {
			s.send(map[string]any{"msg": "failed", "version": "1"})
			return
		}
		s.send(map[string]any{"msg": "connected", "session": hex.EncodeToString(random(8))})
	case "ping":
		reply := map[string]any{"msg": "pong"}
		if id, given := message["id"]; given {
			reply["id"] = id
		}
		s.send(reply)
	case "method":
		s.send(map[string]any{"msg": "updated", "methods": []any{message["id"]}})
		s.send(map[string]any{"msg": "result", "id": message["id"], "result": message["params"]})
	case "sub":
		s.send(map[string]any{"msg": "ready", "subs": []any{message["id"]}})
	case "pong", "unsub":
	default:
		s.send(map[string]any{"msg": "error", "reason": "Bad request", "offendingMessage": message})
	}
}

func (s *socket) send(value any) {
	text, _ := json.Marshal(value)
	if s.sockjs {
		wrapped, _ := json.Marshal([]string{string(text)})
		text = append([]byte("a"), wrapped...)
	}
	s.write(opText, text)
}

func (s *socket) write(op byte, payload []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	header := []byte{0x80 | op}
	switch size := len(payload); {
	case size < 126:
		header = append(header, byte(size))
	case size < 1<<16:
		header = append(header, 126, byte(size>>8), byte(size))
	default:
		header = binary.BigEndian.AppendUint64(append(header, 127), uint64(size))
	}
	s.connection.SetWriteDeadline(time.Now().Add(10 * time.Second))
	s.connection.Write(append(header, payload...))
}

// read takes one unfragmented frame (RFC 6455, section 5.2); clients must mask theirs.
func (s *socket) read() (byte, []byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(s.reader, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1] & 0x7f)
	if size == 126 || size == 127 {
		extended := make([]byte, map[uint64]int{126: 2, 127: 8}[size])
		if _, err := io.ReadFull(s.reader, extended); err != nil {
			return 0, nil, err
		}
		size = 0
		for _, one := range extended {
			size = size<<8 | uint64(one)
		}
	}
	if head[1]&0x80 == 0 || size > frameBytesMax {
		return 0, nil, errors.New("frame is not masked or too large")
	}
	frame := make([]byte, 4+size)
	if _, err := io.ReadFull(s.reader, frame); err != nil {
		return 0, nil, err
	}
	payload := frame[4:]
	for i := range payload {
		payload[i] ^= frame[i%4]
	}
	return head[0] & 0x0f, payload, nil
}
