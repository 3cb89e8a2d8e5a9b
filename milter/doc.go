// Package milter communicates with the MTA. A Server accepts its connections. A
// session follows one connection through go-milter's callbacks, and passes each
// mail to a message.Message.
//
// The packages below it import each other in one direction:
//
//	milter                   maillog, message, shown: the milter protocol
//	metrics                  maillog, message: counts the events, and serves the figures
//	maillog                  message, shown: the events
//	message                  extract/mime, extract/subject, extract/subprocess, shown: one mail: envelope, header, verdict, edits, reply
//	extract/subprocess       : documents in processes of their own
//	extract/document         extract/document/flow, extract/document/legacy, extract/document/mapi, extract/document/markup, extract/document/odf, extract/document/ole, extract/document/ooxml, extract/document/pack, extract/document/rtf, extract/mime, extract/pdf, extract/picture: documents of any kind, archives
//	extract/mime             extract/picture, extract/subject, extract/text, extract/transfer: what a message says
//	extract/pdf              extract/pdf/font, extract/pdf/object, extract/picture: PDF
//	extract/pdf/font         extract/pdf/object: codes and their characters
//	extract/pdf/object       : the objects of a PDF file
//	extract/document/ooxml   extract/document/flow, extract/document/markup, extract/document/pack, extract/document/sheet: DOCX, XLSX, XLSB, PPTX
//	extract/document/odf     extract/document/flow, extract/document/markup, extract/document/pack: ODT, ODS, ODP
//	extract/document/rtf     extract/document/flow, extract/picture: RTF
//	extract/document/legacy  extract/document/flow, extract/document/ole, extract/document/sheet, extract/picture: DOC, XLS, PPT
//	extract/document/mapi    extract/charset, extract/document/flow, extract/document/ole: messages of Outlook
//	extract/document/pack    extract/document/flow: ZIP archives
//	extract/document/ole     : OLE compound files
//	extract/document/markup  : XML
//	extract/document/sheet   : cells as a spreadsheet shows them
//	extract/document/flow    : the text of a document, its findings and its limits
//	extract/picture          : which pictures may be a scan
//	extract/text             extract/charset, extract/html, extract/plain, extract/transfer: text of all kinds
//	extract/html             extract/plain: HTML
//	extract/plain            : lines, format=flowed, tables and calendars
//	extract/subject          extract/charset: the subject as mail clients show it
//	extract/transfer         : base64, quoted-printable and uuencode
//	extract/charset          : octets to UTF-8
//	shown                    : how addresses appear in the log
//
// Each may import rules and the packages below it. Package mtatest, which
// starts real MTAs for tests, the demo, the bench and the soak, and mantest and logtest,
// which check the man pages and the log for tests, import none of them. Tests
// import extract/sinktest as well.
package milter
