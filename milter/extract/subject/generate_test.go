package subject

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/encoding/ianaindex"
)

// scripts are words of made-up subjects, by the charsets that clients encode
// them in.
var scripts = []struct {
	charsets []string
	words    []string
}{
	{[]string{"iso-8859-1", "ISO-8859-15", "windows-1252", "utf-8"}, []string{"Zoë", "résumé", "Übergabe", "niño", "Ångström", "façade"}},
	{[]string{"Windows-1252", "UTF-8"}, []string{"Zoë’s", "–", "“quoted”", "naïve…", "€20"}},
	{[]string{"iso-8859-2", "windows-1250", "utf-8"}, []string{"Łódź", "příloha", "żółty", "ősz"}},
	{[]string{"koi8-r", "windows-1251", "utf-8", "iso-8859-5"}, []string{"Привет", "протокол", "результаты"}},
	{[]string{"iso-8859-7", "windows-1253", "utf-8"}, []string{"Καλημέρα", "αποτελέσματα"}},
	{[]string{"iso-2022-jp", "shift_jis", "euc-jp", "utf-8"}, []string{"検査結果", "会議", "お知らせ"}},
	{[]string{"gb2312", "gbk", "gb18030", "utf-8"}, []string{"检查结果", "会议", "通知"}},
	{[]string{"big5", "utf-8"}, []string{"檢查結果", "會議", "通知"}},
	{[]string{"euc-kr", "ks_c_5601-1987", "utf-8"}, []string{"검사", "회의", "알림"}},
	{[]string{"utf-8"}, []string{"🩺", "✔", "日本語", "नमस्ते", "مرحبا", "שלום", "［secure］", "secu\u200bre"}},
}

var (
	asciiWords = []string{"Results", "clinic", "letter", "ward 7", "Re:", "[Ref 12]", "secure", "a=b", "50%", "why?", "under_score", "O'Brien"}
	markers    = []string{"[secure]", "[SECURE]", "[Secure]", "(secure)", "[ secure ]", "[secure", "[sercure]", "[encrypt]"}
)

// generator makes encoded subjects as mail clients do, and as sloppy ones do.
type generator struct {
	*rand.Rand
	t testing.TB
}

func pick[T any](g generator, list []T) T { return list[g.IntN(len(list))] }

// generated is a subject that was encoded.
type generated struct {
	value   string
	want    string // what was encoded; empty where it cannot be decoded
	oddness string // empty where a client in its right mind writes so
}

// text makes a subject of a script, and the charset it is to be encoded in.
func (g generator) text() (text, charset string) {
	script := pick(g, scripts)
	var words []string
	for range 1 + g.IntN(5) {
		words = append(words, pick(g, pick(g, [][]string{script.words, script.words, asciiWords})))
	}
	words[g.IntN(len(words))] = pick(g, script.words)
	if g.IntN(2) == 0 {
		at := g.IntN(len(words) + 1)
		words = append(words[:at:at], append([]string{pick(g, markers)}, words[at:]...)...)
	}
	return strings.Join(words, " "), pick(g, script.charsets)
}

func (g generator) octets(text, charset string) []byte {
	e, err := ianaindex.MIME.Encoding(charset)
	if strings.HasPrefix(charset, "ks_c") {
		e, err = ianaindex.MIME.Encoding("euc-kr")
	}
	if e == nil && strings.EqualFold(charset, "gb2312") {
		e, err = ianaindex.MIME.Encoding("gbk")
	}
	if err != nil || e == nil {
		g.t.Fatalf("charset %s: %v", charset, err)
	}
	octets, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		g.t.Fatalf("charset %s: %v", charset, err)
	}
	return octets
}

// encode makes encoded words of a text, cut after some characters, or for "B"
// in a charset without states also inside of them, as Exchange does.
func (g generator) encode(text, charset, separator string) (words, oddness string) {
	encoding := pick(g, []string{"Q", "B"})
	var parts [][]byte
	if runes := []rune(text); g.IntN(3) > 0 || encoding == "Q" || charset == "iso-2022-jp" {
		for size := 6 + g.IntN(30); len(runes) > 0; {
			n := min(size, len(runes))
			parts = append(parts, g.octets(string(runes[:n]), charset))
			runes = runes[n:]
		}
	} else {
		if !strings.EqualFold(charset, "utf-8") {
			oddness = cutInside
		}
		octets := g.octets(text, charset)
		for size := 5 + g.IntN(40); len(octets) > 0; {
			n := min(size, len(octets))
			parts = append(parts, octets[:n])
			octets = octets[n:]
		}
	}
	hex := pick(g, []string{"=%02X", "=%02x"})
	safe := pick(g, []string{"", "", "[]().,:!'-"})
	list := make([]string, len(parts))
	for i, part := range parts {
		content := base64.StdEncoding.EncodeToString(part)
		if encoding == "Q" {
			content = toQ(part, hex, safe)
		}
		list[i] = fmt.Sprintf("=?%s?%s?%s?=", charset, encoding, content)
	}
	return strings.Join(list, separator), oddness
}

func toQ(octets []byte, hex, safe string) string {
	var b strings.Builder
	for _, c := range octets {
		switch {
		case c == ' ':
			b.WriteByte('_')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(safe, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, hex, c)
		}
	}
	return b.String()
}

// subject makes one: encoded as a whole, or in part.
func (g generator) subject() generated {
	text, charset := g.text()
	separator := pick(g, []string{" ", "\r\n ", "\r\n "})
	encoded, oddness := g.encode(text, charset, separator)
	switch g.IntN(5) {
	case 0:
		before := pick(g, asciiWords) + " "
		return generated{before + encoded, before + text, oddness}
	case 1:
		before, after := pick(g, markers)+" ", " "+pick(g, asciiWords)
		return generated{before + encoded + after, before + text + after, oddness}
	case 2:
		text2, charset := g.text()
		encoded2, oddness2 := g.encode(text2, charset, separator)
		return generated{encoded + separator + encoded2, text + text2, cmp.Or(oddness, oddness2)}
	}
	return generated{encoded, text, oddness}
}

// cutInside is the oddness of words in a charset other than UTF-8 that are cut
// at octets.
const cutInside = "cut inside of characters"

// odd makes a subject with one oddness.
func (g generator) odd() generated {
	text, _ := g.text()
	q, b := toQ([]byte(text), "=%02X", ""), base64.StdEncoding.EncodeToString([]byte(text))
	word := func(charset, encoding, content string) string {
		return fmt.Sprintf("=?%s?%s?%s?=", charset, encoding, content)
	}
	at := 1 + g.IntN(len(b)-2)
	s := generated{want: text, oddness: pick(g, oddities)}
	switch s.oddness {
	case "encoding in lower case":
		s.value = pick(g, []string{word("utf-8", "q", q), word("UTF-8", "b", b)})
	case "language":
		s.value = word("utf-8*en-GB", pick(g, []string{"Q", "q"}), q)
	case "no padding":
		s.value = word("utf-8", "B", strings.TrimRight(b, "="))
	case "no blanks around":
		s.value, s.want = "x"+word("utf-8", "Q", q)+"y"+word("utf-8", "B", b)+word("utf-8", "Q", q), "x"+text+"y"+text+text
	case "blanks in Q":
		s.value = word("utf-8", "Q", strings.ReplaceAll(q, "_", " "))
	case "fold in B":
		s.value = word("utf-8", "B", b[:at]+"\r\n "+b[at:])
	case "8-bit in Q":
		s.value = word("utf-8", "Q", strings.NewReplacer(" ", "_", "_", "=5F", "=", "=3D", "?", "=3F").Replace(text))
	case "8-bit beside":
		s.value, s.want = text+" "+word("utf-8", "Q", q), text+" "+text
	case "not UTF-8":
		s.value, s.want = word("utf-8", "Q", "caf=E9_"+q), "caf\uFFFD "+text
	default:
		s.value, s.want = g.broken(s.oddness, word, q, b, at), ""
	}
	return s
}

// broken makes a subject that cannot be decoded.
func (g generator) broken(oddness string, word func(charset, encoding, content string) string, q, b string, at int) string {
	switch oddness {
	case "unknown charset":
		return word(pick(g, []string{"x-unknown", "unknown-8bit"}), "Q", q)
	case "UTF-7":
		return word("utf-7", "Q", "+AFs-secure+AF0-")
	case "stray character in B":
		return word("utf-8", "B", b[:at]+"!"+b[at:])
	case "base64 cut short":
		return word("utf-8", "B", b[:at/4*4+1])
	case "broken escape in Q":
		return word("utf-8", "Q", q+"=Z")
	case "no end":
		return strings.TrimSuffix(word("utf-8", "B", b), "?=")
	case "unknown encoding":
		return word("utf-8", "X", q)
	}
	g.t.Fatalf("unknown oddness %q", oddness)
	return ""
}

var oddities = []string{
	"encoding in lower case", "language", "no padding", "no blanks around", "blanks in Q", "fold in B",
	"8-bit in Q", "8-bit beside", "unknown charset", "UTF-7", "stray character in B", "base64 cut short",
	"broken escape in Q", "no end", "unknown encoding", "not UTF-8",
}
