using System.Text.Json;
using System.Text.Json.Serialization;
using Emu.Host.Snapshots;

namespace Emu.Host.Recording;

/// <summary>How descriptions of recordings and snapshots are written and read: nothing in them is taken for granted.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RecordedGuest))]
[JsonSerializable(typeof(SnapshotDescription))]
internal sealed partial class DescriptionJson : JsonSerializerContext;
