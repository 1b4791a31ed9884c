"""SVG that runs something, loads something or declares too much. Addresses are of names that cannot exist (RFC 2606)."""

import gzip

NAMESPACE = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"


def svg(inside, before="", more=""):
    return f"{before}<svg {NAMESPACE}{more}>{inside}</svg>\n"


def scripts():
    return {
        "script.svg": svg("<script>alert('hello')</script>"),
        "script-in-capitals.svg": svg("<SCRIPT>alert('hello')</SCRIPT>"),
        "script-of-a-prefix.svg": svg("<s:script xmlns:s='http://www.w3.org/2000/svg'>alert('hello')</s:script>"),
        "script-of-html.svg": svg("<h:script xmlns:h='http://www.w3.org/1999/xhtml'>alert('hello')</h:script>"),
        "script-from-elsewhere.svg": svg("<script href='https://a.example/b.js'/>"),
        "script-behind-a-mistake.svg": svg("<g></h><script>alert('hello')</script>"),
        "script-in-utf-16.svg": svg("<script>alert('hello')</script>", before="\ufeff").encode("utf-16-le"),
        "script-behind-a-comment.svg": svg("<script>alert('hello')</script>", before="<!--" + "x" * 9000 + "-->"),
        "script-packed.svgz": gzip.compress(svg("<script>alert('hello')</script>").encode(), mtime=0),
        "script-in-xml.xml": "<?xml version='1.0'?><a><s:script xmlns:s='http://www.w3.org/2000/svg'>alert('hello')</s:script></a>\n",
        "handler-of-svg-tiny.svg": svg("<handler type='application/ecmascript'>alert('hello')</handler>"),
        "link.svg": svg("<a href=\"javascript:alert('hello')\"><text>a</text></a>"),
        "link-of-xlink.svg": svg("<a xlink:href=\"JavaScript:alert('hello')\"><text>a</text></a>"),
        "link-with-a-line.svg": svg("<a href=\"java\nscript:alert('hello')\"><text>a</text></a>"),
        "link-of-references.svg": svg("<a href='&#106;avascript&#58;alert(1)'><text>a</text></a>"),
        "link-of-an-entity.svg": svg("<a href='&x;'><text>a</text></a>", before="<!DOCTYPE svg [<!ENTITY x 'javascript:alert(1)'>]>"),
        "link-to-data.svg": svg("<a href='data:text/html,hello'><text>a</text></a>"),
        "animated-link.svg": svg("<a><animate attributeName='href' values='#a;javascript:alert(1)'/><text>a</text></a>"),
        "set-handler.svg": svg("<set attributeName='onclick' to='alert(1)'/>"),
        "style-sheet-of-xslt.svg": svg("", before="<?xml-stylesheet href='#x' type='text/xsl'?>"),
    }


def handlers():
    return {
        "onload.svg": svg("", more=" onload='alert(1)'"),
        "onload-in-capitals.svg": svg("<rect ONLOAD='alert(1)'/>"),
        "onload-without-a-gap.svg": svg("<rect id='b'onload='alert(1)'/>"),
        "onload-with-a-slash.svg": svg("<rect/onload='alert(1)'/>"),
        "onload-in-utf-16.svg": svg("<rect onload='alert(1)'/>", before="\ufeff").encode("utf-16-be"),
        "onload-that-breaks-off.svg": f"<svg {NAMESPACE} onload='alert(1)",
        "onload-behind-data.svg": svg("<![CDATA[ ]]]><rect onload='a()'/>]]><rect onbegin='alert(1)'/>"),
        "onbegin.svg": svg("<rect><animate attributeName='x' dur='1s' onbegin='alert(1)'/></rect>"),
        "onload-of-a-default.svg": svg("", before="<!DOCTYPE svg [<!ATTLIST svg onload CDATA 'alert(1)'>]>"),
    }


def foreign():
    return {
        "foreign-object.svg": svg("<foreignObject width='9' height='9'><p xmlns='http://www.w3.org/1999/xhtml'>Hello</p></foreignObject>"),
        "foreign-object-in-small-letters.svg": svg("<foreignobject/>"),
        "iframe.svg": svg("<iframe src='#a'/>"),
        "embed.svg": svg("<embed src='#a'/>"),
        "object.svg": svg("<object data='#a'/>"),
        "form.svg": svg("<h:form xmlns:h='http://www.w3.org/1999/xhtml' action='#a'/>"),
    }


def external():
    return {
        "image-from-elsewhere.svg": svg("<image href='https://a.example/b.png'/>"),
        "image-of-a-file.svg": svg("<image xlink:href='file:///b.png'/>"),
        "image-without-a-scheme.svg": svg("<image href='//a.example/b.png'/>"),
        "use-from-elsewhere.svg": svg("<use href='https://a.example/b.svg#c'/>"),
        "fill-from-elsewhere.svg": svg("<rect fill='url(https://a.example/b.svg#c)'/>"),
        "fill-with-an-escape.svg": svg("<rect style='fill:\\75rl(https://a.example/b)'/>"),
        "import.svg": svg("<style>@import 'https://a.example/b.css';</style>"),
        "import-with-an-escape.svg": svg("<style>@\\69mport 'b.css';</style>"),
        "import-in-pieces.svg": svg("<style>@im<!-- -->port 'b.css';</style>"),
        "font-from-elsewhere.svg": svg("<style>@font-face{font-family:a;src:url(https://a.example/b.woff2)}</style>"),
        "style-sheet.svg": svg("", before="<?xml-stylesheet href='https://a.example/b.css' type='text/css'?>"),
        "base.svg": svg("<g xml:base='https://a.example/'/>"),
        "include.svg": svg("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='b.txt'/>"),
        "filter-from-elsewhere.svg": svg("<filter id='a'><feImage href='https://a.example/b.png'/></filter>"),
        "entity-from-elsewhere.svg": svg("", before="<!DOCTYPE svg [<!ENTITY x SYSTEM 'https://a.example/b.txt'>]>"),
        "types-from-elsewhere.svg": svg("", before="<!DOCTYPE svg SYSTEM 'https://a.example/b.dtd'>"),
    }


def entities():
    twice = "<!DOCTYPE svg [<!ENTITY a 'x'><!ENTITY b '&a;&a;'><!ENTITY c '&b;&b;'>]>"
    many = "".join(f"<!ENTITY e{number} 'x'>" for number in range(65))
    return {
        "entities-in-entities.svg": svg("<text>&c;</text>", before=twice),
        "many-entities.svg": svg("", before=f"<!DOCTYPE svg [{many}]>"),
        "entity-with-markup.svg": svg("<text>&x;</text>", before="<!DOCTYPE svg [<!ENTITY x '<tspan>x</tspan>'>]>"),
        "entity-of-parameters.svg": svg("", before="<!DOCTYPE svg [<!ENTITY % x 'y'>]>"),
        "many-attributes.svg": svg(f"<g {' '.join(f'''a{number}='1' ''' for number in range(257))}/>"),
        "deep.svg": svg("<g>" * 257 + "</g>" * 257),
        "many-elements.svg": svg("<g/>" * 101),
        "deeper-than-few.svg": svg("<g>" * 17 + "</g>" * 17),
        "packed-zeros.svgz": gzip.compress(svg("<text>" + "x" * 70_000 + "</text>").encode(), mtime=0),
    }


def files():
    made = scripts() | handlers() | foreign() | external() | entities()
    return {name: content.encode() if isinstance(content, str) else content for name, content in made.items()}
