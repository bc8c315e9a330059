using Emu.Machine;
using Emu.Xen.Store.Records;

namespace Emu.Host.Configuration;

/// <summary>
/// A disk as xl's configurations describe it (docs/man/xl-disk-configuration.5.pod.in): <c>target,format,vdev,access</c> by position,
/// any of them and more by name, <c>target=</c> last.
/// </summary>
internal sealed class DiskSpecification
{
    /// <summary>What a disk can be told that has no effect here: who serves it, and how.</summary>
    private static readonly HashSet<string> Ineffective =
    [
        "backend", "backendtype", "script", "direct-io-safe", "colo", "no-colo", "colo-host", "colo-port", "colo-export", "active-disk",
        "hidden-disk", "trusted", "untrusted", "grant_usage",
    ];

    private readonly List<string> _ignored;
    private string? _target;
    private string? _format;
    private string? _device;
    private string? _access;
    private bool _isCdrom;
    private bool _isSnapshot;
    private bool _hasPrefix;

    private DiskSpecification(List<string> ignored) => _ignored = ignored;

    /// <summary>Reads a specification.</summary>
    /// <param name="text">The text.</param>
    /// <param name="standardDevice">The disk's name where the specification has none; null where it must have one.</param>
    /// <param name="ignored">Gets the names of what has no effect.</param>
    /// <returns>The disk.</returns>
    /// <exception cref="FormatException">It describes none; the message says why, without a full stop.</exception>
    public static DiskOptions Parse(string text, string? standardDevice, List<string> ignored)
    {
        DiskSpecification specification = new(ignored);
        specification.Read(text);
        return specification.ToOptions(standardDevice);
    }

    private void Read(string text)
    {
        int at = 0;
        while (true)
        {
            while (at < text.Length && text[at] is ' ' or '\t' or '\n')
                at++;
            if (at == text.Length)
                return;
            if (string.CompareOrdinal(text, at, "target=", 0, 7) == 0)
            {
                Set(ref _target, "target", text[(at + 7)..]);
                return;
            }

            if (_target is null && TryTakePrefix(text, ref at))
                continue;
            int comma = text.IndexOf(',', at);
            string parameter = comma < 0 ? text[at..] : text[at..comma];
            at = comma < 0 ? text.Length : comma + 1;
            Take(parameter);
        }
    }

    /// <summary><c>file:/…</c>, <c>qcow2:/…</c> and others, from the time before xl.</summary>
    private bool TryTakePrefix(string text, ref int at)
    {
        int colon = text.IndexOf(":/", at, StringComparison.Ordinal);
        int comma = text.IndexOf(',', at);
        if (colon < 0 || (comma >= 0 && comma < colon))
            return false;
        string prefix = text[at..colon];
        switch (prefix)
        {
            case "raw" or "qcow" or "qcow2" or "vhd":
                _format = prefix;
                break;
            case "file" or "phy" or "aio" or "tap" or "tap2" or "tapdisk" or "ioemu":
                break;
            default:
                throw new FormatException($"'{prefix}:' is no kind of disk that can be had here");
        }

        _hasPrefix = true;
        at = colon + 1;
        return true;
    }

    private void Take(string parameter)
    {
        int equals = parameter.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? parameter : parameter[..equals];
        string value = equals < 0 ? "" : parameter[(equals + 1)..];
        switch (name)
        {
            case "format" when equals >= 0:
                Set(ref _format, name, value);
                break;
            case "vdev" when equals >= 0:
                Set(ref _device, name, value);
                break;
            case "access" when equals >= 0:
                Set(ref _access, name, value);
                break;
            case "specification" when equals >= 0:
                if (value != "xen")
                    throw new FormatException($"specification=xen is what a domain's disks have here, not '{value}'");
                break;
            case "devtype" when equals >= 0:
                _isCdrom = value switch
                {
                    "cdrom" => true,
                    "disk" => false,
                    _ => throw new FormatException($"devtype is cdrom or disk, not '{value}'"),
                };
                break;
            case "cdrom" when equals < 0:
                _isCdrom = true;
                break;
            // xl has no such thing: its block scripts do that.
            case "snapshot" when equals < 0:
                _isSnapshot = true;
                break;
            // No image here has a use for blocks that are given up.
            case "discard" or "no-discard" when equals < 0:
                break;
            default:
                if (Ineffective.Contains(name))
                    _ignored.Add(name);
                else if (equals >= 0)
                    throw new FormatException($"'{name}' is nothing that a disk can be told");
                else
                    TakePosition(parameter);
                break;
        }
    }

    private void TakePosition(string value)
    {
        if (_target is null)
        {
            _target = value;
        }
        else if (_format is null && !_hasPrefix)
        {
            _format = value;
        }
        else if (_device is null)
        {
            // "hdc:cdrom", from the time before xl.
            bool isCdrom = value.EndsWith(":cdrom", StringComparison.Ordinal);
            _isCdrom |= isCdrom;
            _device = isCdrom || value.EndsWith(":disk", StringComparison.Ordinal) ? value[..value.LastIndexOf(':')] : value;
        }
        else if (_access is null)
        {
            _access = value;
        }
        else
        {
            throw new FormatException($"'{value}' is one part too many after target, format, name and access");
        }
    }

    private DiskOptions ToOptions(string? standardDevice)
    {
        string device = string.IsNullOrEmpty(_device) ? standardDevice ?? throw new FormatException("the disk's name in the guest is missing, such as xvda") : _device;
        if (!BlockDeviceRecord.TryParseDevice(device, out _))
            throw new FormatException($"'{device}' is no name of a virtual disk, such as xvda");
        if (string.IsNullOrEmpty(_target))
            throw new FormatException(_isCdrom ? "an empty CD-ROM drive cannot be had here" : "the image is missing");
        if (_target.Contains('\0', StringComparison.Ordinal))
            throw new FormatException("an image's name has no NUL character");
        if (_format is "qcow" or "qcow2" or "vhd" or "qed")
            throw new FormatException($"images in the format {_format} are not read; 'qemu-img convert -O raw' makes one that is");
        if (_format is not (null or "" or "raw"))
            throw new FormatException($"'{_format}' is no format of an image; raw is");
        return new DiskOptions
        {
            Path = _target,
            Device = device,
            IsReadOnly = _isCdrom | _access switch
            {
                null or "" or "rw" or "w" => false,
                "r" or "ro" => true,
                _ => throw new FormatException($"access is r or w, not '{_access}'"),
            },
            IsCdrom = _isCdrom,
            IsSnapshot = _isSnapshot,
            IsRaw = _format == "raw",
        };
    }

    private static void Set(ref string? part, string name, string value)
    {
        if (!string.IsNullOrEmpty(part) && part != value)
            throw new FormatException($"{name} is given twice");
        part = value;
    }
}
