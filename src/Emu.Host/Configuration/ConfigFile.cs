using System.Text;
using Emu.Host.Running;

namespace Emu.Host.Configuration;

/// <summary>The settings of an xl configuration file, each with its line (tools/libs/util/libxlu_cfg_y.y).</summary>
internal sealed class ConfigFile
{
    /// <summary>The longest file that is read, in bytes: all that parsing costs is bounded by it.</summary>
    public const int Largest = 64 << 10;

    /// <summary>How deep lists may be nested.</summary>
    private const int DeepestList = 8;

    private readonly Dictionary<string, ConfigSetting> _settings = new(StringComparer.Ordinal);
    private readonly ConfigLexer _lexer;
    private ConfigToken _token;

    private ConfigFile(string source, string text)
    {
        Source = source;
        _lexer = new ConfigLexer(source, text);
        Advance();
        while (_token.Kind != ConfigTokenKind.End)
            Statement();
    }

    /// <summary>The file's name, for refusals.</summary>
    public string Source { get; }

    /// <summary>The settings in the order in which their keys first appear; of a key that is set again, the last setting.</summary>
    public IReadOnlyCollection<ConfigSetting> Settings => _settings.Values;

    /// <summary>Parses a file's text.</summary>
    /// <param name="source">The file's name, for refusals.</param>
    /// <param name="text">Its text.</param>
    /// <returns>Its settings.</returns>
    /// <exception cref="UsageException">It is no configuration; the message names the line.</exception>
    public static ConfigFile Parse(string source, string text) => new(source, text);

    /// <summary>Parses a file's bytes.</summary>
    /// <param name="source">The file's name, for refusals.</param>
    /// <param name="bytes">What is in it.</param>
    /// <returns>Its settings.</returns>
    /// <exception cref="UsageException">It is no configuration; the message names the line.</exception>
    public static ConfigFile Parse(string source, byte[] bytes)
    {
        if (bytes.Length > Largest)
            throw new UsageException($"{source} is too long for a domain's configuration, of which {Largest / 1024} KiB are read.");
        try
        {
            return Parse(source, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes));
        }
        catch (DecoderFallbackException e)
        {
            throw new UsageException($"{source} is no text in UTF-8, so it is no domain's configuration.", e);
        }
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Its settings.</returns>
    /// <exception cref="UsageException">It cannot be read, or is no configuration.</exception>
    public static ConfigFile Read(string path) => Parse(path, UserFile.Read(path, "configuration", Largest));

    /// <summary>The setting of a key.</summary>
    /// <param name="key">The key.</param>
    /// <returns>The setting; null where there is none.</returns>
    public ConfigSetting? Find(string key) => _settings.GetValueOrDefault(key);

    private void Statement()
    {
        if (_token.Kind is ConfigTokenKind.NewLine or ConfigTokenKind.Semicolon)
        {
            Advance();
            return;
        }

        string key = Take(ConfigTokenKind.Identifier, "a key is expected").Text;
        bool appends = _token.Kind == ConfigTokenKind.Append;
        if (appends)
            Advance();
        else
            Take(ConfigTokenKind.Assign, $"'=' is expected after '{key}'");
        ConfigValue value = Value(0);
        if (_token.Kind is not (ConfigTokenKind.NewLine or ConfigTokenKind.Semicolon or ConfigTokenKind.End))
            throw Refuse($"the value of '{key}' has ended, and {_token.Description} comes after it");
        if (appends && Find(key) is { } before)
            value = Concatenate(key, before.Value, value);
        _settings[key] = new ConfigSetting(Source, key, value);
    }

    private ConfigValue Value(int depth)
    {
        ConfigToken token = _token;
        switch (token.Kind)
        {
            case ConfigTokenKind.Text or ConfigTokenKind.Number:
                Advance();
                return new ConfigText(token.Line, token.Text);
            case ConfigTokenKind.OpenList when depth == DeepestList:
                throw Refuse($"lists are nested deeper than {DeepestList}");
            case ConfigTokenKind.OpenList:
                Advance();
                return List(token.Line, depth);
            default:
                throw Refuse($"a value is expected (a string in quotes, a number or a list), not {token.Description}");
        }
    }

    /// <summary>The list up to its bracket. Lines may end after the opening bracket, a value and a comma.</summary>
    private ConfigList List(int line, int depth)
    {
        List<ConfigValue> items = [];
        SkipNewLines();
        while (_token.Kind != ConfigTokenKind.CloseList)
        {
            items.Add(Value(depth + 1));
            SkipNewLines();
            if (_token.Kind == ConfigTokenKind.CloseList)
                break;
            Take(ConfigTokenKind.Comma, "',' or ']' is expected in a list");
            SkipNewLines();
        }

        Advance();
        return new ConfigList(line, items);
    }

    private ConfigValue Concatenate(string key, ConfigValue before, ConfigValue added) => (before, added) switch
    {
        (ConfigText first, ConfigText second) => new ConfigText(second.Line, first.Text + second.Text),
        (ConfigList first, ConfigList second) => new ConfigList(second.Line, [.. first.Items, .. second.Items]),
        _ => throw new UsageException($"{Source}:{added.Line}: {key}: a list and a string cannot be added to one another."),
    };

    private void SkipNewLines()
    {
        while (_token.Kind == ConfigTokenKind.NewLine)
            Advance();
    }

    private ConfigToken Take(ConfigTokenKind kind, string expectation)
    {
        ConfigToken token = _token;
        if (token.Kind != kind)
            throw Refuse($"{expectation}, not {token.Description}");
        Advance();
        return token;
    }

    private void Advance() => _token = _lexer.Next();

    private UsageException Refuse(string what) => new($"{Source}:{_token.Line}: {what}.");
}
