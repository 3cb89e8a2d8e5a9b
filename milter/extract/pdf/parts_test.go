package pdf_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const pages = "<</Type/Pages/Kids[3 0 R]/Count 1>>"

// TestParts reads what is not in the content stream of a page.
func TestParts(t *testing.T) {
	emptyPage := "<</Type/Page/Parent 2 0 R>>"
	catalog := func(entries string) string { return "<</Type/Catalog/Pages 2 0 R" + entries + ">>" }
	annotation := func(entries string, more ...string) []byte {
		return build(append([]string{catalog(""), pages, "<</Type/Page/Annots[4 0 R]>>", "<</Type/Annot/Rect[10 10 90 30]" + entries + ">>"}, more...)...)
	}
	form := func(entries string) []byte {
		return build(catalog("/AcroForm<</Fields[4 0 R]>>"), pages, emptyPage, "<</T(nhs)"+entries+">>")
	}
	shown := stream("/Subtype/Form", "BT /F1 12 Tf (999 000 0018) Tj ET")
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"title":              {buildWith("/Info<</Title(999 000 0018)/Producer(x)/CreationDate(D:2026)>>", catalog(""), pages, emptyPage), "999 000 0018"},
		"metadata":           {build(catalog("/Metadata 4 0 R"), pages, emptyPage, stream("/Type/Metadata", "<x:xmpmeta><xmp:CreateDate>2026</xmp:CreateDate><dc:title><rdf:Alt><rdf:li>999 000 0018</rdf:li></rdf:Alt></dc:title></x:xmpmeta>")), "999 000 0018"},
		"UTF-16":             {annotation("/Contents<FEFF0039002000380031>"), "9 81"},
		"comment":            {annotation("/Subtype/Text/T(Author)/Contents(999 000 0018)"), "Author|999 000 0018"},
		"rich text":          {annotation("/RC(<body><p>999 <b>000</b> 0018 &amp; more</p></body>)"), "999 000 0018 & more"},
		"appearance":         {annotation("/Subtype/Stamp/AP<</N 5 0 R>>", shown), "999 000 0018"},
		"states":             {annotation("/Subtype/Widget/AP<</N<</On 5 0 R>>>>", shown), "999 000 0018"},
		"widget":             {annotation("/Subtype/Widget/Parent<</V(999 000 0018)>>"), "999 000 0018"},
		"field":              {form("/V(999 000 0018)"), "nhs 999 000 0018"},
		"field with a label": {form("/TU(NHS number)/V(999 000 0018)"), "NHS number 999 000 0018"},
		"kids":               {form("/Kids[<</V(999 000 0018)>>]"), "nhs 999 000 0018"},
		"choices":            {form("/Opt[(a)[(1)(999 000 0018)]]/V[(b)(c)]"), "nhs b|c|a|1|999 000 0018"},
		"long text":          {build(catalog("/AcroForm<</Fields[<</V 4 0 R>>]>>"), pages, emptyPage, stream("", "999 000 0018")), " 999 000 0018"},
		"signature":          {form("/FT/Sig/V<</Type/Sig/Name(A B)/Reason(999 000 0018)/Contents<00>>>"), "nhs A B|999 000 0018"},
		"XFA": {build(catalog("/AcroForm<</XFA[(template)4 0 R(datasets)5 0 R]>>"), pages, emptyPage,
			stream("", "<template><script>var x</script><text>NHS number</text></template>"), stream("", "<xfa:data><nhs>999 000 0018</nhs></xfa:data>")),
			"NHS number|999 000 0018"},
		"XFA that is cut": {build(catalog("/AcroForm<</XFA[(a)4 0 R(b)5 0 R]>>"), pages, emptyPage, stream("", "<nhs>999 000"), stream("", " 0018</nhs>")), "999 000 0018"},
		"tooltip":         {form("/TU(999 000 0018)"), "999 000 0018"},
		"captions":        {form("/MK<</CA(a)/RC(999 000 0018)/AC(b)>>"), "a|999 000 0018|b"},
		"forgotten field": {build(catalog(""), pages, "<</Type/Page/Annots[4 0 R]>>", "<</Subtype/Widget/Opt[(999 000 0018)]>>"), "999 000 0018"},
		"pressed":         {annotation("/Subtype/Widget/AP<</D 5 0 R>>", shown), "999 000 0018"},
		"own property":    {buildWith("/Info<</NHS(999 000 0018)/Creator(x)>>", catalog(""), pages, emptyPage), "999 000 0018"},
		"page numbers":    {build(catalog("/PageLabels<</Nums[0<</S/D/P(999 000 0018 )>>]>>"), pages, emptyPage), "999 000 0018 "},
		"folder":          {build(catalog("/Collection<</Folders<</Name(999 000 0018)>>>>"), pages, emptyPage), "999 000 0018"},
		"FDF": {[]byte("%FDF-1.2\n1 0 obj<</FDF<</Fields[<</T(nhs)/V<FEFF0039>>>]/Annots[<</Contents(999 000 0018)>>]>>>>endobj\ntrailer<</Root 1 0 R>>"),
			"nhs 9|999 000 0018"},
		"FDF with pages": {build(catalog("/FDF<<>>"), pages, "<</Type/Page/Contents 4 0 R>>", stream("", "BT (999 000 0018) Tj ET")), "999 000 0018"},
		"layer":          {build(catalog("/OCProperties<</OCGs[4 0 R]/D<</Order[4 0 R]>>>>"), pages, emptyPage, "<</Type/OCG/Name(999 000 0018)>>"), "999 000 0018"},
		"name of a file": {build(catalog("/Names<</EmbeddedFiles<</Names[(a)4 0 R]>>>>"), pages, emptyPage, "<</UF(999 000 0018.txt)/CI<</NHS(999 000 0026)>>/EF<</F 5 0 R>>>>", stream("", "x")), "999 000 0018.txt|999 000 0026"},
		"alternative":    {document("/Figure<</Alt(999 000 0018)>>BDC EMC", "null"), "999 000 0018"},
		"form, no type":  {documentWith("", "/XObject<</X 6 0 R>>", "/X Do", stream("", "BT (999 000 0018) Tj ET")), "999 000 0018"},
		"ASCII85":        {build(catalog(""), pages, "<</Type/Page/Contents 4 0 R>>", stream("/Filter/ASCII85Decode", `<~6<#'U3B9)B0JG1'0JG4@.3MT)+@T6~>`)), "999 000 0018"},
		"bookmarks":      {build(catalog("/Outlines<</First 4 0 R>>"), pages, emptyPage, "<</Title(a)/First 5 0 R/Next 6 0 R>>", "<</Title(999 000 0018)>>", "<</Title(b)>>"), "a|999 000 0018|b"},
		"description":    {build(catalog("/StructTreeRoot<</K[<</S/Figure/Alt(999 000 0018)>>]>>"), pages, emptyPage), "999 000 0018"},
		"form":           {documentWith("", "/XObject<</X 6 0 R>>", "/X Do", shown), "999 000 0018"},
		"nested form":    {documentWith("", "/XObject<</X 6 0 R>>", "/X Do", stream("/Subtype/Form/Resources<</XObject<</Y 7 0 R>>>>", "/Y Do"), shown), "999 000 0018"},
		"pattern":        {documentWith("", "/Pattern<</P 6 0 R>>", "/Pattern cs /P scn", stream("/PatternType 1", "BT (999 000 0018) Tj ET")), "999 000 0018"},
		"mask":           {documentWith("", "/ExtGState<</G<</SMask<</G 6 0 R>>>>>>", "/G gs", shown), "999 000 0018"},
		"hidden layer":   {documentWith("", "/Properties<</O 6 0 R>>", "/OC /O BDC BT (999 000 0018) Tj ET EMC", "<</Type/OCG>>"), "999 000 0018"},
		"cut content":    {build(catalog(""), pages, "<</Type/Page/Contents[4 0 R 5 0 R]>>", stream("", "BT (999 000 0018)"), stream("", "Tj ET")), "999 000 0018"},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(tt.file)
			if got := strings.Join(r.lines(), "|"); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
			r.wantFindings(t)
		})
	}
}

// TestAttachments passes embedded files on, each once.
func TestAttachments(t *testing.T) {
	file := build("<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Kids[<</Names[(a)4 0 R]>>]>>>>/AF[4 0 R]>>", pages,
		"<</Type/Page/Annots[<</Subtype/FileAttachment/FS<</EF<</F 6 0 R>>/Desc(999 000 0018)>>>>]>>",
		"<</EF<</F 5 0 R/UF 5 0 R>>>>", stream("/Type/EmbeddedFile/Filter/FlateDecode", deflate("one")), stream("", "two"))
	r := read(file)
	slices.Sort(r.attached)
	if !slices.Equal(r.attached, []string{"one", "two"}) || !slices.Equal(r.lines(), []string{"999 000 0018"}) {
		t.Errorf("%q %q", r.attached, r.lines())
	}
	r.wantFindings(t)
	if c := count(file); !c.reasons["unknown-type"] {
		t.Error("an attachment that nobody reads is not reported")
	}
}

// TestPictures reports pages that are only an image.
func TestPictures(t *testing.T) {
	image := func(size string) string { return stream("/Subtype/Image/Filter/DCTDecode"+size, "\xff\xd8") }
	text := "BT /F1 12 Tf (A letter of more than a few words, with an image in it.) Tj ET"
	for name, tt := range map[string]struct {
		file []byte
		want []string
	}{
		"scan":             {documentWith("", "/XObject<</I 6 0 R>>", "/I Do", image("/Width 1240/Height 1754")), []string{"picture"}},
		"scan in strips":   {documentWith("", "/XObject<</I 6 0 R>>", strings.Repeat("/I Do ", 20), image("/Width 1240/Height 16")), []string{"picture"}},
		"scan in a form":   {documentWith("", "/XObject<</X 7 0 R>>", "/X Do", image("/Width 1240/Height 1754"), stream("/Subtype/Form/Resources<</XObject<</I 6 0 R>>>>", "/I Do")), []string{"picture"}},
		"inline":           {document("BI /W 1240 /H 1754 /IM true /F /CCF ID abc EI"), []string{"picture"}},
		"a scanner's name": {documentWith("", "/XObject<</I 6 0 R>>", "/I Do BT (Scanned by X) Tj ET", image("/Width 1240/Height 1754")), []string{"picture"}},
		"outlines":         {document(strings.Repeat("0 0 m 1 1 l 2 2 3 3 4 4 c ", 200)), []string{"picture"}},
		"a number's":       {document(strings.Repeat("0 0 m 1 1 l 2 2 3 3 4 4 c ", 45)), []string{"picture"}},
		"a grid":           {document(strings.Repeat("0 0 m 1 1 l ", 50)), nil},
		"scan with text":   {documentWith("", "/XObject<</I 6 0 R>>", "/I Do 3 Tr "+text, image("/Width 1240/Height 1754")), nil},
		"logo":             {documentWith("", "/XObject<</I 6 0 R>>", "/I Do", image("/Width 300/Height 100")), nil},
		"text and a logo":  {documentWith("", "/XObject<</I 6 0 R>>", "/I Do "+text, image("/Width 1240/Height 1754")), nil},
	} {
		t.Run(name, func(t *testing.T) { read(tt.file).wantFindings(t, tt.want...) })
	}
}

// TestDamage reads files that viewers open although they are damaged.
func TestDamage(t *testing.T) {
	line := "BT /F1 12 Tf 72 700 Td (NHS number 999 000 0018) Tj ET"
	good := document(line)
	cut := good[:bytes.LastIndex(good, []byte("xref\n0"))]
	for name, tt := range map[string]struct {
		file []byte
		want []string
	}{
		"no cross-references": {cut, nil},
		"a wrong offset":      {bytes.Replace(good, []byte("startxref\n"), []byte("startxref\n9"), 1), nil},
		"octets before":       {append(bytes.Repeat([]byte("x\n"), 500), good...), nil},
		"octets behind":       {append(good, strings.Repeat("x\n", 5000)...), nil},
		"a wrong length":      {bytes.Replace(good, []byte("/Length "), []byte("/Length 9"), 1), nil},
		"shifted entries":     {bytes.Replace(good, []byte("0000000"), []byte("0000001"), -1), nil},
		"no catalog":          {bytes.Replace(cut, []byte("/Type/Catalog"), []byte("/Type/Nothing"), 1), []string{"damaged"}},
		"no pages":            {bytes.Replace(good, []byte("/Kids[3 0 R]"), []byte("/Kids[     ]"), 1), []string{"damaged"}},
		"cut stream":          {cut[:bytes.Index(cut, []byte(" ET"))], []string{"damaged"}},
		"a page twice":        {bytes.Replace(good, []byte("/Kids[3 0 R]/Count 1"), []byte("/Kids[3 0 R 3 0 R]/Count 2"), 1), nil},
		"carriage returns":    {bytes.ReplaceAll(good, []byte("\n"), []byte("\r")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(tt.file)
			if !strings.Contains(r.text.String(), "999 000 0018") {
				t.Errorf("%q", r.text.String())
			}
			r.wantFindings(t, tt.want...)
		})
	}
	for name, file := range map[string][]byte{
		"nothing":     nil,
		"no PDF":      []byte("hello"),
		"a lost page": bytes.Replace(good, []byte("/Kids[3 0 R]"), []byte("/Kids[9 0 R]"), 1),
		"flate":       document("", stream("", "")),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "flate" {
				file = build("<</Type/Catalog/Pages 2 0 R>>", pages, "<</Type/Page/Contents 4 0 R>>", stream("/Filter/FlateDecode", deflate(line)[:20]))
			}
			read(file).wantFindings(t, "damaged")
		})
	}
}

// TestScanInMask: the image itself is one dot of ink.
func TestScanInMask(t *testing.T) {
	for _, key := range []string{"SMask", "Mask"} {
		read(documentWith("", "/XObject<</X 6 0 R>>", "/X Do", stream("/Subtype/Image/Width 1/Height 1/"+key+" 7 0 R", "x"),
			stream("/Subtype/Image/Width 1000/Height 1000", "x"))).wantFindings(t, "picture")
	}
}

// TestHybrid: the table says that an object is free, which XRefStm has.
func TestHybrid(t *testing.T) {
	file := build("<</Type/Catalog/Pages 2 0 R>>", pages, "<</Type/Page/Annots[6 0 R]>>",
		stream("/Type/ObjStm/N 1/First 4", "6 0 <</Contents(999 000 0018)>>"),
		stream("/Type/XRef/W[1 1 1]/Index[6 1]/Size 7", "\x02\x04\x00"))
	file = bytes.Replace(file, []byte("trailer\n<<"), []byte("6 1\n0000000000 00000 f \ntrailer\n<</XRefStm "+strconv.Itoa(bytes.Index(file, []byte("5 0 obj")))), 1)
	if r := read(file); !slices.Contains(r.lines(), "999 000 0018") {
		t.Errorf("%q", r.lines())
	}
}

// TestLetterNames: names of three letters do not tell the characters.
func TestLetterNames(t *testing.T) {
	read(build("<</Type/Catalog/Pages 2 0 R>>", pages, "<</Type/Page/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>", stream("", "BT /F 9 Tf (abc) Tj ET"),
		"<</Type/Font/Subtype/Type1/BaseFont/X/Encoding<</Differences[97/Gaa/Gab/Gac]>>>>")).wantFindings(t, "no-characters")
}
