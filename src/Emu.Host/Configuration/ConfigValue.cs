namespace Emu.Host.Configuration;

/// <summary>A value of a configuration file, as it is written: numbers are text until somebody asks for a number.</summary>
/// <param name="Line">The line on which it begins, from 1.</param>
internal abstract record ConfigValue(int Line);

/// <summary>A string or a number.</summary>
/// <param name="Line">The line on which it begins, from 1.</param>
/// <param name="Text">The string without its quotes, or the number's digits.</param>
internal sealed record ConfigText(int Line, string Text) : ConfigValue(Line);

/// <summary>A list.</summary>
/// <param name="Line">The line on which it begins, from 1.</param>
/// <param name="Items">Its values, lists among them.</param>
internal sealed record ConfigList(int Line, IReadOnlyList<ConfigValue> Items) : ConfigValue(Line);
