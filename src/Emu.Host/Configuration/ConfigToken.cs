namespace Emu.Host.Configuration;

/// <summary>What a configuration file is made of.</summary>
internal enum ConfigTokenKind
{
    /// <summary>A key: a lower-case letter, then lower-case letters, digits, "_" or ".".</summary>
    Identifier,

    /// <summary>A number in digits.</summary>
    Number,

    /// <summary>Text in quotes.</summary>
    Text,

    /// <summary><c>=</c>.</summary>
    Assign,

    /// <summary><c>+=</c>.</summary>
    Append,

    /// <summary><c>,</c>.</summary>
    Comma,

    /// <summary><c>[</c>.</summary>
    OpenList,

    /// <summary><c>]</c>.</summary>
    CloseList,

    /// <summary><c>;</c>.</summary>
    Semicolon,

    /// <summary>The end of a line, with the comment before it.</summary>
    NewLine,

    /// <summary>The end of the file.</summary>
    End,
}

/// <summary>A piece of a configuration file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Line">The line on which it begins, from 1.</param>
/// <param name="Text">An identifier, a number's digits, a string's contents; empty for all else.</param>
internal readonly record struct ConfigToken(ConfigTokenKind Kind, int Line, string Text = "")
{
    /// <summary>How a refusal names it.</summary>
    public string Description => Kind switch
    {
        ConfigTokenKind.Identifier or ConfigTokenKind.Number => $"'{Text}'",
        ConfigTokenKind.Text => "a string",
        ConfigTokenKind.Assign => "'='",
        ConfigTokenKind.Append => "'+='",
        ConfigTokenKind.Comma => "','",
        ConfigTokenKind.OpenList => "'['",
        ConfigTokenKind.CloseList => "']'",
        ConfigTokenKind.Semicolon => "';'",
        ConfigTokenKind.NewLine => "the end of the line",
        _ => "the end of the file",
    };
}
