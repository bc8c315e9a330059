using System.Globalization;
using System.Text;

namespace Emu.Host.Debugging;

/// <summary>The description of a view's registers that gdb asks for: target.xml.</summary>
internal static class TargetDescription
{
    private static readonly (string Name, int Bit)[] Eflags =
    [
        ("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9), ("DF", 10), ("OF", 11), ("NT", 14),
        ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19), ("VIP", 20), ("ID", 21),
    ];

    private static readonly (string Name, int Bit)[] Mxcsr =
    [
        ("IE", 0), ("DE", 1), ("ZE", 2), ("OE", 3), ("UE", 4), ("PE", 5), ("DAZ", 6), ("IM", 7), ("DM", 8), ("ZM", 9), ("OM", 10),
        ("UM", 11), ("PM", 12), ("FZ", 15),
    ];

    private static readonly (string Name, int Bit)[] Cr0 =
    [
        ("PE", 0), ("MP", 1), ("EM", 2), ("TS", 3), ("ET", 4), ("NE", 5), ("WP", 16), ("AM", 18), ("NW", 29), ("CD", 30), ("PG", 31),
    ];

    private static readonly (string Name, int Bit)[] Cr4 =
    [
        ("VME", 0), ("PVI", 1), ("TSD", 2), ("DE", 3), ("PSE", 4), ("PAE", 5), ("MCE", 6), ("PGE", 7), ("PCE", 8), ("OSFXSR", 9),
        ("OSXMMEXCPT", 10), ("UMIP", 11), ("LA57", 12), ("VMXE", 13), ("SMXE", 14), ("FSGSBASE", 16), ("PCIDE", 17), ("OSXSAVE", 18),
        ("SMEP", 20), ("SMAP", 21), ("PKE", 22), ("CET", 23), ("PKS", 24),
    ];

    private static readonly (string Name, int Bit)[] Efer = [("SCE", 0), ("LME", 8), ("LMA", 10), ("NXE", 11)];

    /// <summary>The description of a view.</summary>
    /// <param name="view">The view.</param>
    /// <returns>XML.</returns>
    public static string Of(CodeView view)
    {
        (string own, string[] others) = view switch
        {
            CodeView.Bits64 => ("i386:x86-64", (string[])["i386", "i8086"]),
            CodeView.Bits32 => ("i386", ["i386:x86-64", "i8086"]),
            _ => ("i8086", ["i386", "i386:x86-64"]),
        };
        StringBuilder xml = new();
        xml.Append("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">\n");
        xml.Append(CultureInfo.InvariantCulture, $"<architecture>{own}</architecture>\n");
        // gdb's idea of 16-bit code knows no Linux, and warns of that.
        if (view == CodeView.Bits16)
            xml.Append("<osabi>none</osabi>\n");
        // A kernel's file may be for the other width than the code that runs: gdb then keeps to this description, without a warning.
        foreach (string other in others)
            xml.Append(CultureInfo.InvariantCulture, $"<compatible>{other}</compatible>\n");
        foreach ((string feature, List<GuestRegister> registers) in RegisterSet.For(view).Features)
        {
            xml.Append(CultureInfo.InvariantCulture, $"<feature name=\"{feature}\">\n");
            AppendTypes(xml, feature);
            foreach (GuestRegister register in registers)
            {
                xml.Append(CultureInfo.InvariantCulture, $"<reg name=\"{register.Name}\" bitsize=\"{register.Bits}\" type=\"{register.Type}\"");
                xml.Append(register.Group is null ? "/>\n" : $" group=\"{register.Group}\"/>\n");
            }

            xml.Append("</feature>\n");
        }

        return xml.Append("</target>\n").ToString();
    }

    private static void AppendTypes(StringBuilder xml, string feature)
    {
        switch (feature)
        {
            case "org.gnu.gdb.i386.core":
                AppendFlags(xml, "i386_eflags", 4, Eflags);
                break;
            case "org.gnu.gdb.i386.sse":
                AppendVectors(xml);
                AppendFlags(xml, "i386_mxcsr", 4, Mxcsr);
                break;
            case "emu.x86.system":
                AppendFlags(xml, "x64_cr0", 8, Cr0);
                AppendFlags(xml, "x64_cr4", 8, Cr4);
                AppendFlags(xml, "x64_efer", 8, Efer);
                break;
        }
    }

    private static void AppendFlags(StringBuilder xml, string id, int size, (string Name, int Bit)[] fields)
    {
        xml.Append(CultureInfo.InvariantCulture, $"<flags id=\"{id}\" size=\"{size}\">");
        foreach ((string name, int bit) in fields)
            xml.Append(CultureInfo.InvariantCulture, $"<field name=\"{name}\" start=\"{bit}\" end=\"{bit}\"/>");
        xml.Append("</flags>\n");
    }

    private static void AppendVectors(StringBuilder xml)
    {
        ReadOnlySpan<(string Id, string Element, int Count, string Field)> vectors =
        [
            ("v4f", "ieee_single", 4, "v4_float"), ("v2d", "ieee_double", 2, "v2_double"),
            ("v16i8", "int8", 16, "v16_int8"), ("v8i16", "int16", 8, "v8_int16"), ("v4i32", "int32", 4, "v4_int32"), ("v2i64", "int64", 2, "v2_int64"),
        ];
        foreach ((string id, string element, int count, _) in vectors)
            xml.Append(CultureInfo.InvariantCulture, $"<vector id=\"{id}\" type=\"{element}\" count=\"{count}\"/>");
        xml.Append("<union id=\"vec128\">");
        foreach ((string id, _, _, string field) in vectors)
            xml.Append(CultureInfo.InvariantCulture, $"<field name=\"{field}\" type=\"{id}\"/>");
        xml.Append("<field name=\"uint128\" type=\"uint128\"/></union>\n");
    }
}
