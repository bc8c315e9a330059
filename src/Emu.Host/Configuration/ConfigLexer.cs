using System.Text;

namespace Emu.Host.Configuration;

/// <summary>Cuts the text of an xl configuration into tokens (tools/libs/util/libxlu_cfg_l.l).</summary>
/// <remarks>
/// More lenient than xl in two things that change no file which xl takes: a line may end in CR LF, and a comment may end with the file.
/// Stricter in one: xl misreads escapes by number in strings, so they are refused.
/// </remarks>
internal sealed class ConfigLexer
{
    private readonly string _source;
    private readonly string _text;
    private int _at;
    private int _line = 1;

    /// <summary>Begins with the first character.</summary>
    /// <param name="source">The file's name, for refusals.</param>
    /// <param name="text">Its text.</param>
    public ConfigLexer(string source, string text)
    {
        _source = source;
        _text = text;
    }

    /// <summary>Takes the next token.</summary>
    /// <returns>The token; at the end <see cref="ConfigTokenKind.End"/>, as often as asked.</returns>
    /// <exception cref="UsageException">What comes next is none.</exception>
    public ConfigToken Next()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\t')
            _at++;
        if (_at == _text.Length)
            return new ConfigToken(ConfigTokenKind.End, _line);
        char c = _text[_at];
        if (char.IsAsciiLetterLower(c))
            return Word(ConfigTokenKind.Identifier, static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_');
        if (char.IsAsciiDigit(c))
            return Word(ConfigTokenKind.Number, static c => char.IsAsciiHexDigitLower(c) || c == 'x');
        switch (c)
        {
            case '#':
                int end = _text.IndexOf('\n', _at);
                _at = end < 0 ? _text.Length : end;
                return Next();
            case '\n':
                return Symbol(ConfigTokenKind.NewLine, 1);
            case '\r' when Follows('\n'):
                return Symbol(ConfigTokenKind.NewLine, 2);
            case '+' when Follows('='):
                return Symbol(ConfigTokenKind.Append, 2);
            case '=':
                return Symbol(ConfigTokenKind.Assign, 1);
            case ',':
                return Symbol(ConfigTokenKind.Comma, 1);
            case '[':
                return Symbol(ConfigTokenKind.OpenList, 1);
            case ']':
                return Symbol(ConfigTokenKind.CloseList, 1);
            case ';':
                return Symbol(ConfigTokenKind.Semicolon, 1);
            case '"' or '\'':
                return Quoted(c);
            default:
                throw Refuse(Foreign(c));
        }
    }

    private static string Foreign(char c) => c switch
    {
        '+' or '-' or '.' or '(' or ')' or ':' => $"'{c}' has no meaning outside of quotes; Python, which xm's configurations were, is not understood",
        _ when char.IsAsciiLetterUpper(c) => $"'{c}' begins no key: keys are in lower case, and text is in quotes",
        _ when char.IsControl(c) => $"a character with the code {(int)c} has no meaning here",
        _ => $"'{c}' has no meaning outside of quotes",
    };

    private bool Follows(char c) => _at + 1 < _text.Length && _text[_at + 1] == c;

    private ConfigToken Symbol(ConfigTokenKind kind, int length)
    {
        ConfigToken token = new(kind, _line);
        _at += length;
        if (kind == ConfigTokenKind.NewLine)
            _line++;
        return token;
    }

    private ConfigToken Word(ConfigTokenKind kind, Func<char, bool> belongs)
    {
        int start = _at;
        while (_at < _text.Length && belongs(_text[_at]))
            _at++;
        return new ConfigToken(kind, _line, _text[start.._at]);
    }

    private ConfigToken Quoted(char quote)
    {
        StringBuilder content = new();
        for (_at++; _at < _text.Length && _text[_at] is not ('\n' or '\r'); _at++)
        {
            char c = _text[_at];
            if (c == quote)
            {
                _at++;
                return new ConfigToken(ConfigTokenKind.Text, _line, content.ToString());
            }

            content.Append(c == '\\' ? Escape() : c);
        }

        throw Refuse($"a string has no closing {quote} on its line");
    }

    private char Escape()
    {
        _at++;
        char c = _at < _text.Length ? _text[_at] : '\n';
        return c switch
        {
            '"' or '\'' or '\\' => c,
            'a' => '\a',
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            'x' or (>= '0' and <= '7') => throw Refuse("escapes by number, such as \\x41, are not understood"),
            _ => throw Refuse("a backslash in a string has no character after it that it could change; write \\\\ for the backslash itself"),
        };
    }

    private UsageException Refuse(string what) => new($"{_source}:{_line}: {what}.");
}
