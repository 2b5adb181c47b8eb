using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CertAuthority.Protocol;

/// <summary>The JSON of every message: snake_case, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JsonObject)), JsonSerializable(typeof(JsonArray))]
[JsonSerializable(typeof(Problem))]
// The property needs a name that differs from the message Login in more than case.
[JsonSerializable(typeof(NextStep.LogIn), TypeInfoPropertyName = "NextStepLogIn")]
[JsonSerializable(typeof(AuditEntry))]
[JsonSerializable(typeof(Notification))]
[JsonSerializable(typeof(Login)), JsonSerializable(typeof(LoggedIn))]
[JsonSerializable(typeof(GetMyCertificate)), JsonSerializable(typeof(CertificateInfo))]
[JsonSerializable(typeof(ListMyCertificates)), JsonSerializable(typeof(RevokeMyCertificates))]
[JsonSerializable(typeof(GetMyNode)), JsonSerializable(typeof(ReachableNode))]
[JsonSerializable(typeof(ListMyNodes)), JsonSerializable(typeof(NodeList))]
[JsonSerializable(typeof(CreateRequest)), JsonSerializable(typeof(RequestResource))]
[JsonSerializable(typeof(ListMyRequests)), JsonSerializable(typeof(RequestList))]
[JsonSerializable(typeof(RequestPlan)), JsonSerializable(typeof(ReviewRequest))]
[JsonSerializable(typeof(GetMyRequest)), JsonSerializable(typeof(EndMyRequest)), JsonSerializable(typeof(RequestResolved))]
[JsonSerializable(typeof(RequestResolved[])), JsonSerializable(typeof(AppliedResources[]))]
[JsonSerializable(typeof(ListRequests)), JsonSerializable(typeof(GetRequest))]
[JsonSerializable(typeof(ApproveRequest)), JsonSerializable(typeof(DenyRequest))]
[JsonSerializable(typeof(CreateRequestFor)), JsonSerializable(typeof(RemoveRequest))]
[JsonSerializable(typeof(SearchResources)), JsonSerializable(typeof(ResourcesFound))]
[JsonSerializable(typeof(GetMyCapabilities)), JsonSerializable(typeof(MyCapabilities))]
[JsonSerializable(typeof(GetCapabilities)), JsonSerializable(typeof(Capabilities))]
[JsonSerializable(typeof(ExplainAccess)), JsonSerializable(typeof(AccessExplained))]
[JsonSerializable(typeof(ExplainMyAccess))]
[JsonSerializable(typeof(ListEntrants)), JsonSerializable(typeof(EntrantList))]
[JsonSerializable(typeof(ListEntrantsEverywhere)), JsonSerializable(typeof(StartAccessReview))]
[JsonSerializable(typeof(SignAccessReview)), JsonSerializable(typeof(AccessReview)), JsonSerializable(typeof(AccessReview[]))]
[JsonSerializable(typeof(ListAccessReviews)), JsonSerializable(typeof(AccessReviewList))]
[JsonSerializable(typeof(GetStatus)), JsonSerializable(typeof(DaemonStatus))]
[JsonSerializable(typeof(GetMetrics)), JsonSerializable(typeof(GetLiveness)), JsonSerializable(typeof(GetReadiness))]
[JsonSerializable(typeof(HealthState))]
[JsonSerializable(typeof(RevokeCertificates)), JsonSerializable(typeof(CertificatesRevoked))]
[JsonSerializable(typeof(ApplyResources)), JsonSerializable(typeof(AppliedResources))]
[JsonSerializable(typeof(GetResources)), JsonSerializable(typeof(ResourceList))]
[JsonSerializable(typeof(ListKinds)), JsonSerializable(typeof(KindList))]
[JsonSerializable(typeof(UpdateUser)), JsonSerializable(typeof(RemoveResource))]
[JsonSerializable(typeof(CreateLock)), JsonSerializable(typeof(Locked))]
[JsonSerializable(typeof(ListCertificates)), JsonSerializable(typeof(CertificateList))]
[JsonSerializable(typeof(ListAudit)), JsonSerializable(typeof(AuditList))]
[JsonSerializable(typeof(CertifyHost)), JsonSerializable(typeof(HostCertified))]
[JsonSerializable(typeof(PlanNode)), JsonSerializable(typeof(NodePlan))]
[JsonSerializable(typeof(ProveNode)), JsonSerializable(typeof(NodeProof))]
[JsonSerializable(typeof(ListNodes)), JsonSerializable(typeof(NodeStatusList))]
[JsonSerializable(typeof(GetNodeFiles)), JsonSerializable(typeof(NodeFiles))]
[JsonSerializable(typeof(SyncNode)), JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(CreateJoinToken)), JsonSerializable(typeof(JoinTokenMade))]
[JsonSerializable(typeof(ListJoinTokens)), JsonSerializable(typeof(JoinTokenList)), JsonSerializable(typeof(EndJoinToken))]
[JsonSerializable(typeof(ListJoins)), JsonSerializable(typeof(JoinList))]
[JsonSerializable(typeof(AdmitJoin)), JsonSerializable(typeof(RefuseJoin))]
[JsonSerializable(typeof(ListHostsBehind)), JsonSerializable(typeof(HostsBehind))]
[JsonSerializable(typeof(GetUserCas)), JsonSerializable(typeof(GetHostCas)), JsonSerializable(typeof(CaPublicKeys))]
[JsonSerializable(typeof(HostCaPublicKeys))]
[JsonSerializable(typeof(ListRotations)), JsonSerializable(typeof(RotationList))]
[JsonSerializable(typeof(RotateKey)), JsonSerializable(typeof(KeyRotated))]
[JsonSerializable(typeof(ConfirmTrust)), JsonSerializable(typeof(TrustConfirmed))]
[JsonSerializable(typeof(GetKrl)), JsonSerializable(typeof(RevocationList))]
[JsonSerializable(typeof(TakeBackup))]
[JsonSerializable(typeof(AcceptClock)), JsonSerializable(typeof(ClockAccepted))]
[JsonSerializable(typeof(GetCheckpoint)), JsonSerializable(typeof(AuditCheckpoint))]
[JsonSerializable(typeof(GetAuditTile)), JsonSerializable(typeof(AuditTile))]
[JsonSerializable(typeof(GetAuditEntries)), JsonSerializable(typeof(AuditEntries))]
[JsonSerializable(typeof(ProveEntry)), JsonSerializable(typeof(ProveMyCertificate)), JsonSerializable(typeof(EntryProven))]
[JsonSerializable(typeof(AcceptAudit)), JsonSerializable(typeof(AuditAccepted))]
[JsonSerializable(typeof(ArchiveAudit)), JsonSerializable(typeof(AuditArchived))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>Used by the daemon: an unknown, repeated or missing member is rejected, never ignored.</summary>
    public static readonly ProtocolJson Strict = new(Over(JsonSerializerDefaults.Strict));

    /// <summary>Used by the command lines, so that an older one understands a newer daemon.</summary>
    public static readonly ProtocolJson Lenient = new(Over(JsonSerializerDefaults.General));

    /// <summary>Returns the JSON form of a message type.</summary>
    public JsonTypeInfo<T> Of<T>() =>
        (JsonTypeInfo<T>?)GetTypeInfo(typeof(T)) ?? throw new NotSupportedException($"{typeof(T)} is not a message of the protocol");

    private static JsonSerializerOptions Over(JsonSerializerDefaults basis) => new(basis)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // Lenient accepts extra members; a missing one is an error in both.
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        // A member without a value is not written.
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // Query members are text.
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        Converters = { new BooleanOrText(), new UtcTime() },
        MaxDepth = 16,
    };

    /// <summary>Writes every time with Z, and reads any of RFC 3339.</summary>
    private sealed class UtcTime : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));
    }

    private sealed class BooleanOrText : JsonConverter<bool>
    {
        public override bool Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.String when reader.ValueTextEquals("true") => true,
            JsonTokenType.String when reader.ValueTextEquals("false") => false,
            _ => throw new JsonException(),
        };

        public override void Write(Utf8JsonWriter writer, bool value, JsonSerializerOptions options) => writer.WriteBooleanValue(value);
    }
}
