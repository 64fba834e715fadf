// The Go peer: a websocket client that reads frames and decodes each with encoding/json into a struct, nothing more.
//
// In:  the address of the sender. Out: one line of JSON: trades, checksum, seconds from the first frame to the last.
//
// The frame reader is written by hand on net.Conn with bufio (no copy of the payload, no masking, no compression), which
// is less work than any websocket library does. Keys match without regard to case in encoding/json, so "e" and "E" are both declared.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

type binance struct {
	Stream string `json:"stream"`
	Data   struct {
		Event     string `json:"e"`
		EventTime int64  `json:"E"`
		Symbol    string `json:"s"`
		ID        uint64 `json:"t"`
		Price     string `json:"p"`
		Size      string `json:"q"`
		Time      int64  `json:"T"`
		Maker     bool   `json:"m"`
		Ignored   bool   `json:"M"`
	} `json:"data"`
}

type coinbase struct {
	Type    string `json:"type"`
	ID      uint64 `json:"trade_id"`
	Side    string `json:"side"`
	Size    string `json:"size"`
	Price   string `json:"price"`
	Product string `json:"product_id"`
	Time    string `json:"time"`
}

type kraken struct {
	Channel string `json:"channel"`
	Type    string `json:"type"`
	Data    []struct {
		Symbol string      `json:"symbol"`
		Side   string      `json:"side"`
		Price  json.Number `json:"price"`
		Size   json.Number `json:"qty"`
		ID     uint64      `json:"trade_id"`
		Time   string      `json:"timestamp"`
	} `json:"data"`
}

// sums is what every client must agree on. Only a checking run makes values: it costs parsing the numbers.
type sums struct {
	Trades int    `json:"trades"`
	IDs    uint64 `json:"ids"`
	Values uint64 `json:"values"`
}

var check bool

func (s *sums) add(symbol, price, size, clock string, ms int64, id uint64, buy bool) {
	s.Trades++
	s.IDs += id
	if !check {
		return
	}
	if clock != "" {
		at, err := time.Parse(time.RFC3339Nano, clock)
		fail(err)
		ms = at.UnixMilli()
	}
	value := units(price, 2)*units(size, 6) + id*uint64(ms) + id*uint64(crc32.ChecksumIEEE([]byte(symbol)))
	if buy {
		value += id
	}
	s.Values += value
}

func units(text string, decimals int) uint64 {
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = (fraction + "00000000")[:decimals]
	var made uint64
	for _, digit := range whole + fraction {
		made = made*10 + uint64(digit-'0')
	}
	return made
}

func (s *sums) message(venue string, payload []byte) {
	switch venue {
	case "binance":
		var m binance
		fail(json.Unmarshal(payload, &m))
		d := &m.Data
		s.add(d.Symbol, d.Price, d.Size, "", d.Time, d.ID, !d.Maker)
	case "coinbase":
		var m coinbase
		fail(json.Unmarshal(payload, &m))
		s.add(m.Product, m.Price, m.Size, m.Time, 0, m.ID, m.Side == "sell")
	case "kraken":
		var m kraken
		fail(json.Unmarshal(payload, &m))
		for _, d := range m.Data {
			s.add(d.Symbol, d.Price.String(), d.Size.String(), d.Time, 0, d.ID, d.Side == "buy")
		}
	}
}

// next gives the payload of the next frame; it is overwritten by the one after it.
func next(in *bufio.Reader) []byte {
	head, err := in.Peek(2)
	fail(err)
	size, length := 2, int(head[1]&127)
	if length == 126 {
		head, err = in.Peek(4)
		fail(err)
		size, length = 4, int(binary.BigEndian.Uint16(head[2:]))
	} else if length == 127 {
		fail(fmt.Errorf("a frame longer than 64 KiB"))
	}
	_, err = in.Discard(size)
	fail(err)
	payload, err := in.Peek(length)
	fail(err)
	_, err = in.Discard(length)
	fail(err)
	return payload
}

func open(port string) (net.Conn, *bufio.Reader) {
	line, err := net.Dial("tcp", "127.0.0.1:"+port)
	fail(err)
	fmt.Fprintf(line, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	in := bufio.NewReaderSize(line, 256*1024)
	for {
		text, err := in.ReadString('\n')
		fail(err)
		if text == "\r\n" {
			return line, in
		}
	}
}

func fail(err error) {
	if err != nil && err != io.EOF {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	venue := flag.String("venue", "binance", "")
	port := flag.String("port", "", "")
	messages := flag.Int("messages", 0, "")
	times := flag.String("times", "", "file for the moment at which each message was decoded")
	flag.BoolVar(&check, "check", false, "")
	flag.Parse()
	line, in := open(*port)
	var made sums
	moments := make([]int64, 0, *messages)
	_, err := in.Peek(1)
	fail(err)
	started := time.Now()
	for count := 0; count < *messages; count++ {
		made.message(*venue, next(in))
		if *times != "" {
			moments = append(moments, time.Now().UnixNano())
		}
	}
	seconds := time.Since(started).Seconds()
	if *times != "" {
		out, err := os.Create(*times)
		fail(err)
		fail(binary.Write(out, binary.LittleEndian, moments))
		fail(out.Close())
	}
	said, err := json.Marshal(map[string]any{"trades": made.Trades, "ids": made.IDs, "values": made.Values, "seconds": seconds})
	fail(err)
	fmt.Println(string(said))
	fail(line.Close())
}
