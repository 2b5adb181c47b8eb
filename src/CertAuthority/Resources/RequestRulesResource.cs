using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Resources;

/// <summary>Reads the rules of a role for requesters and reviewers.</summary>
internal static class RequestRulesResource
{
    // The largest number that a person can still read and a review can evaluate.
    private const int MostThresholds = 16;
    private const int LongestPrompt = 256;

    public static RequestRules Read(FieldReader request)
    {
        var thresholds = request.Maps("thresholds").Select(ReadThreshold).ToImmutableArray();
        if (thresholds.Length > MostThresholds)
            request.Fault("thresholds", $"spec.allow.request.thresholds takes at most {MostThresholds} entries");
        if (!thresholds.IsEmpty && thresholds.All(threshold => threshold.Approve == 0))
            request.Warn("thresholds", "no threshold approves, so only an administrator does");
        var require = request.Text("require");
        if (require is not (null or "any" or "all"))
            request.Fault("require", "spec.allow.request.require takes any or all");
        var reason = request.Map("reason");
        var mode = reason.Text("mode");
        if (mode is not (null or "optional" or "required"))
            reason.Fault("mode", "spec.allow.request.reason.mode takes optional or required");
        var prompt = ReadPrompt(reason, "prompt");
        reason.Done();

        var suggested = ImmutableArray.CreateBuilder<string>();
        foreach (var (text, at) in request.Texts("suggested_reviewers"))
            if (Names.IsName(text))
                suggested.Add(text);
            else
                request.Fault(at, $"\"{text}\" is not the name of a user");
        if (suggested.Count > RequestQuestion.MaxSuggestedReviewers)
            request.Fault(
                "suggested_reviewers",
                $"spec.allow.request.suggested_reviewers takes at most {RequestQuestion.MaxSuggestedReviewers} entries");

        var annotations = RequestRules.None.Annotations.ToBuilder();
        foreach (var (key, values) in request.TextLists("annotations"))
        {
            foreach (var (text, at) in values)
                if (text.Contains("{{", StringComparison.Ordinal))
                    request.Fault(at, $"\"{text}\": templates stand in logins and in values of cert_extensions only");
                else if (!Names.IsPlainText(text))
                    request.Fault(at, "the value of an annotation has control or invisible characters");
            annotations[key.Text] = [.. values.Select(value => value.Text)];
        }
        return new RequestRules(
            thresholds, require == "all", [.. suggested.Distinct(StringComparer.Ordinal)], mode == "required", prompt,
            annotations.ToImmutable());
    }

    public static void Write(JsonObject request, RequestRules rules)
    {
        if (!rules.Thresholds.IsEmpty)
            request["thresholds"] = new JsonArray([.. rules.Thresholds.Select(WriteThreshold)]);
        if (rules.RequireAll)
            request["require"] = "all";
        if (!rules.SuggestedReviewers.IsEmpty)
            request["suggested_reviewers"] = ResourceMetadata.Array(rules.SuggestedReviewers);
        var reason = new JsonObject();
        if (rules.ReasonRequired)
            reason["mode"] = "required";
        if (rules.ReasonPrompt.Length > 0)
            reason["prompt"] = rules.ReasonPrompt;
        ResourceMetadata.AddUnlessEmpty(request, "reason", reason);
        if (!rules.Annotations.IsEmpty)
            request["annotations"] = new JsonObject(
                rules.Annotations.Select(one => KeyValuePair.Create<string, JsonNode?>(one.Key, ResourceMetadata.Array(one.Value))));
    }

    public static ReviewConditions ReadReviewing(FieldReader reviewing, bool deny)
    {
        var read = new ReviewConditions(
            NamePatterns.Read(reviewing, reviewing.Texts("roles")), ReadPredicate(reviewing, "where", PredicateScope.Where));
        reviewing.DropsSelector("claims_to_roles", deny, "name the roles in review_requests.roles");
        reviewing.Foreign("preview_as_roles");
        reviewing.Done();
        return read;
    }

    public static RequestClock ReadClock(FieldReader request)
    {
        var clock = request.Text("clock");
        if (clock is not (null or "creation" or "approval"))
            request.Fault("clock", "spec.allow.request.clock takes creation or approval");
        return clock == "approval" ? RequestClock.Approval : RequestClock.Creation;
    }

    public static string ReadPrompt(FieldReader map, string field)
    {
        var prompt = map.Text(field) ?? "";
        if (prompt.Length > LongestPrompt || !Names.IsPlainText(prompt))
            map.Fault(field, $"{map.Full(field)} takes one line of at most {LongestPrompt} characters");
        return prompt;
    }

    private static ReviewThreshold ReadThreshold(FieldReader threshold)
    {
        var name = threshold.Text("name") ?? "";
        if (name.Length > LongestPrompt || !Names.IsPlainText(name))
            threshold.Fault("name", $"the name of a threshold is one line of at most {LongestPrompt} characters");
        var read = new ReviewThreshold(
            name, ReadPredicate(threshold, "filter", PredicateScope.Filter),
            threshold.Number("approve", 0, ReviewThreshold.MaxReviews) ?? 0, threshold.Number("deny", 0, ReviewThreshold.MaxReviews) ?? 0);
        if (read is { Approve: 0, Deny: 0 })
            threshold.Warn("name", "a threshold without approve and deny decides nothing");
        threshold.Done();
        return read;
    }

    // Writes counts as numbers, for jq; the reader accepts numbers and texts.
    private static JsonObject WriteThreshold(ReviewThreshold threshold)
    {
        var fields = new JsonObject();
        if (threshold.Name.Length > 0)
            fields["name"] = threshold.Name;
        if (threshold.Filter is { } filter)
            fields["filter"] = filter.Text;
        if (threshold.Approve > 0)
            fields["approve"] = threshold.Approve;
        if (threshold.Deny > 0)
            fields["deny"] = threshold.Deny;
        return fields;
    }

    private static Predicate? ReadPredicate(FieldReader map, string field, PredicateScope scope)
    {
        // A field without a text has no effect, as in people's files.
        if (map.Text(field) is not { Length: > 0 } text)
            return null;
        if (!Names.IsPlainText(text.ReplaceLineEndings(" ")))
            map.Fault(field, $"{map.Full(field)} has control or invisible characters");
        else if (Predicate.TryParse(text, scope, out var fault) is { } predicate)
            return predicate;
        else
            map.Fault(field, $"{map.Full(field)}, column {fault!.Column}: {fault.What}");
        return null;
    }
}
