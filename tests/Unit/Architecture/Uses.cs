using System.Reflection;
using System.Reflection.Emit;

namespace CertAuthority.Tests.Unit.Architecture;

/// <summary>One use of a type or member: who uses what.</summary>
/// <param name="By">The member whose signature, attributes or code mentions it; the type itself for what it derives from.</param>
/// <param name="What">The type or member mentioned.</param>
/// <param name="IsNew">Whether it is a constructor that is called to make an object.</param>
internal sealed record Use(MemberInfo By, MemberInfo What, bool IsNew)
{
    /// <summary>The type in whose source the use stands: lambdas, iterators and async methods are nested types of it.</summary>
    public Type ByType => Uses.Outermost(By as Type ?? By.DeclaringType!);

    public Type Type => Uses.Outermost(What as Type ?? What.DeclaringType!);

    public override string ToString() => $"{ByType.FullName} ({By.Name}) uses {(What as Type ?? What.DeclaringType!).FullName}.{What.Name}";
}

/// <summary>Everything that an assembly mentions, read from its metadata and its code.</summary>
internal static class Uses
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodes = typeof(OpCodes).GetFields().Select(field => field.GetValue(null)).OfType<OpCode>().ToDictionary(code => code.Value);

    public static List<Use> Of(Assembly assembly) => [.. assembly.GetTypes().SelectMany(Of).Distinct()];

    public static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type;
    }

    private static IEnumerable<Use> Of(Type type)
    {
        var mentioned = Parts(type.BaseType).Concat(type.GetInterfaces().SelectMany(Parts)).Select(part => new Use(type, part, false));
        return mentioned.Concat(Attributes(type)).Concat(type.GetMembers(Own).SelectMany(Of));
    }

    private static IEnumerable<Use> Of(MemberInfo member) => Attributes(member).Concat(member switch
    {
        FieldInfo field => Parts(field.FieldType).Select(part => new Use(member, part, false)),
        MethodBase method => Parameters(method).Concat(Code(method)),
        _ => [],
    });

    private static IEnumerable<Use> Attributes(MemberInfo member) => member.GetCustomAttributesData().Select(attribute => new Use(member, attribute.AttributeType, false));

    private static IEnumerable<Use> Parameters(MethodBase method) =>
        method.GetParameters().Select(parameter => parameter.ParameterType).Append((method as MethodInfo)?.ReturnType).SelectMany(Parts).Select(part => new Use(method, part, false));

    private static IEnumerable<Use> Code(MethodBase method)
    {
        if (method.GetMethodBody() is not { } body || body.GetILAsByteArray() is not { } code)
            yield break;
        foreach (var part in body.LocalVariables.Select(local => local.LocalType).Concat(body.ExceptionHandlingClauses.Where(c => c.Flags == ExceptionHandlingClauseOptions.Clause).Select(c => c.CatchType)).SelectMany(Parts))
            yield return new Use(method, part, false);
        var ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : [];
        var ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (var at = 0; at < code.Length;)
        {
            var value = (short)code[at++];
            if (value == 0xFE)
                value = (short)((0xFE << 8) | code[at++]);
            var op = OpCodes[value];
            if (op.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                var member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), ofType, ofMethod)!;
                foreach (var part in Mentioned(member))
                    yield return new Use(method, part, op == System.Reflection.Emit.OpCodes.Newobj && part is ConstructorInfo);
            }
            at += op.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static IEnumerable<MemberInfo> Mentioned(MemberInfo member) => member switch
    {
        Type type => Parts(type),
        _ => Parts(member.DeclaringType).Append(member).Concat(member switch
        {
            MethodBase method => (method.IsGenericMethod ? method.GetGenericArguments() : []).Concat(method.GetParameters().Select(parameter => parameter.ParameterType))
                .Append((method as MethodInfo)?.ReturnType).SelectMany(Parts),
            FieldInfo field => Parts(field.FieldType),
            _ => [],
        }),
    };

    // List<Session[]> mentions List and Session.
    private static IEnumerable<Type> Parts(Type? type)
    {
        if (type is null || type.IsGenericParameter)
            return [];
        if (type.HasElementType)
            return Parts(type.GetElementType());
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition()) : [type];
    }
}
