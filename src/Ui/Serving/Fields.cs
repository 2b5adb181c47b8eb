using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace CertAuthority.Ui.Serving;

/// <summary>The fields of a form or of a query. An empty field is like none.</summary>
internal sealed class Fields(Func<string, StringValues> read)
{
    /// <summary>The fields of a query.</summary>
    public static Fields Of(IQueryCollection query) => new(name => query[name]);

    /// <summary>The fields of a form.</summary>
    public static Fields Of(IFormCollection form) => new(name => form[name]);

    /// <summary>The value of a field; null if it is empty or missing.</summary>
    public string? this[string name] => read(name) is [{ } value, ..] && value.Trim() is { Length: > 0 } text ? text : null;

    /// <summary>All values of a field.</summary>
    public string[] All(string name) =>
        [.. read(name).OfType<string>().Select(value => value.Trim()).Where(value => value.Length > 0).Distinct()];

    /// <summary>The value of a field that the page always sends.</summary>
    /// <exception cref="BadHttpRequestException">It is missing.</exception>
    public string Need(string name) => this[name] ?? throw new BadHttpRequestException($"the field {name} is missing");

    /// <summary>Whether a box is ticked.</summary>
    public bool Has(string name) => this[name] is not null;
}
